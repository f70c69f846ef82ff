import { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, test, vi } from "vitest";
import { AlluviumError, Secret } from "@alluvium/core";
import { s3Store, type S3StoreOptions } from "@alluvium/core/storage/s3";
import type { ObjectStore } from "@alluvium/core";
import { BUCKET, startS3, type S3Fault, type S3Server, type S3ServerOptions } from "./server.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const MiB = 1024 * 1024;
const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
/** Of so many requests one fails. */
const stride = Number(process.env["ALLUVIUM_STRIDE"] ?? 5);

async function open(
  faults: S3ServerOptions["faults"],
  options: S3StoreOptions = {},
  more: S3ServerOptions = {},
): Promise<AsyncDisposable & { readonly server: S3Server; readonly store: ObjectStore }> {
  const server = await startS3({ ...more, ...(faults && { faults }) });
  const { endpoint, account } = server;
  const store = s3Store(`s3://${BUCKET}/lake`, {
    endpoint,
    credentials: account,
    timeout: 500,
    partSize: 5 * MiB,
    ...options,
  });
  return { server, store, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (AlluviumError.is(error)) return error.code;
    throw error;
  }
}

/** Bytes of which no two places are alike. */
const large = Uint8Array.from({ length: 6 * MiB }, (_, i) => (i * 2654435761) >>> 24);

/** Everything that a store does, with what it must give. */
async function useStore(store: ObjectStore): Promise<void> {
  await store.put("a/put", text("put"));
  expect(await store.putIfAbsent("a/once", text("first"))).toBe(true);
  expect(await store.putIfAbsent("a/once", text("second"))).toBe(false);
  expect(Buffer.from(await store.get("a/once")).toString()).toBe("first");
  {
    await using writer = await store.create("a/large", {});
    for (let at = 0; at < large.length; at += MiB) await writer.write(large.subarray(at, at + MiB));
    await writer.complete();
  }
  expect(Buffer.compare(await store.get("a/large"), large)).toBe(0);
  const part = await store.get("a/large", { range: { start: 4 * MiB, end: 6 * MiB } });
  expect(Buffer.compare(part, large.subarray(4 * MiB, 6 * MiB))).toBe(0);
  {
    await using writer = await store.create("a/small");
    await writer.write(text("small"));
    await writer.complete();
  }
  expect((await store.head("a/small"))?.size).toBe(5);
  for (const name of ["small", "large"]) await store.copy(`a/${name}`, `b/${name}`);
  expect(Buffer.from(await store.get("b/small")).toString()).toBe("small");
  expect(Buffer.compare(await store.get("b/large"), large)).toBe(0);
  await store.delete(["b/small", "b/large"]);
  const listed = (await Array.fromAsync(store.list("a/"))).map(({ path, size }) => `${path} ${size}`);
  expect(listed).toEqual([`a/large ${large.length}`, "a/once 5", "a/put 3", "a/small 5"]);
  await store.delete(["a/put", "a/once", "a/none"]);
  await store.delete(["a/small"]);
  expect((await Array.fromAsync(store.list(""))).map(({ path }) => path)).toEqual(["a/large"]);
  expect(Math.abs((await store.now()).getTime() - Date.now())).toBeLessThan(5000);
}

describe(`a fault at a request (seed ${seed}, stride ${stride})`, () => {
  test.each<S3Fault>(["slowDown", "reset", "lost", "cut", "slow", "stall", "conflict"])(
    "%s: the store gives and holds the same",
    { timeout: 120_000 },
    async (fault) => {
      let count = 0;
      {
        await using opened = await open(undefined, {}, { mostCopied: MiB });
        await useStore(opened.store);
        count = opened.server.requests.length;
        expect(opened.server.objects.uploads).toBe(0);
      }
      expect(count).toBeGreaterThan(15);
      for (let at = seed % stride; at < count; at += stride) {
        let done = false;
        await using opened = await open(
          ({ index, conditional }) => {
            // 409 is an answer to conditional puts alone.
            const fits = fault !== "conflict" || conditional;
            if (done || index < at || !fits) return undefined;
            done = true;
            return fault;
          },
          {},
          // So that one of the copies is made in parts.
          { mostCopied: MiB },
        );
        await useStore(opened.store);
      }
    },
  );
});

describe("a put whose answer is lost", () => {
  test("is known as ours, and never taken for another's with the same bytes", async () => {
    let lost = 0;
    await using opened = await open(({ operation }) =>
      operation === "PutObject" && lost++ === 0 ? "lost" : undefined,
    );
    const { store } = opened;
    expect(await store.putIfAbsent("x", text("same"))).toBe(true);
    lost = 0;
    expect(await store.putIfAbsent("x", text("same"))).toBe(false);
  });

  test("of an upload's end is settled, too", async () => {
    let lost = 0;
    await using opened = await open(({ operation }) =>
      operation === "CompleteMultipartUpload" && lost++ === 0 ? "lost" : undefined,
    );
    await using writer = await opened.store.create("x");
    await writer.write(large);
    await writer.complete();
    expect(lost).toBeGreaterThan(1);
    expect(Buffer.compare(await opened.store.get("x"), large)).toBe(0);
  });
});

describe("an upload of many parts", () => {
  const many = Uint8Array.from({ length: 32 * MiB }, (_, i) => (i * 2654435761) >>> 24);

  async function upload(store: ObjectStore): Promise<void> {
    await using writer = await store.create("many");
    for (let at = 0; at < many.length; at += MiB) await writer.write(many.subarray(at, at + MiB));
    await writer.complete();
  }

  test.each<S3Fault>(["slowDown", "reset", "lost"])(
    "holds the same where the first four requests for parts are answered by %s",
    async (fault) => {
      let parts = 0;
      await using opened = await open(({ operation }) =>
        operation === "UploadPart" && parts++ < 4 ? fault : undefined,
      );
      await upload(opened.store);
      expect(parts).toBeGreaterThan(7);
      expect(Buffer.compare(await opened.store.get("many"), many)).toBe(0);
    },
  );

  /** The memory of whole parts, where `answer` says how often the client tried each, or that it failed. */
  async function memoryOfParts(answer: (isFirst: boolean) => number | undefined | Error): Promise<number> {
    const memory = new Set<ArrayBufferLike>();
    const seen = new Set<object>();
    const send = vi.spyOn(S3Client.prototype, "send").mockImplementation((command: object) => {
      const { Body } = (command as { readonly input: { readonly Body?: Uint8Array } }).input;
      let attempts: number | undefined | Error = 1;
      if (Body?.length === 5 * MiB) {
        memory.add(Body.buffer);
        attempts = answer(!seen.has(command));
        seen.add(command);
      }
      return (attempts instanceof Error
        ? Promise.reject(attempts)
        : Promise.resolve({
            UploadId: "1",
            ETag: '"1"',
            ...(attempts !== undefined && { $metadata: { attempts } }),
          })) as unknown as void;
    });
    try {
      await upload(s3Store("s3://lake", { region: "eu-central-1", partSize: 5 * MiB }));
    } finally {
      send.mockRestore();
    }
    return memory.size;
  }

  test("uses memory again once a part is with the server, but not where an earlier try may still read it", async () => {
    const reset = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    expect(await memoryOfParts(() => 1)).toBeLessThanOrEqual(3);
    // Six parts in all. A client of its own tries again by itself; ours fails, and we do.
    expect(await memoryOfParts(() => 2)).toBe(6);
    expect(await memoryOfParts(() => undefined)).toBe(6);
    expect(await memoryOfParts((isFirst) => (isFirst ? reset : 1))).toBe(6);
  });
});

describe("a copy", () => {
  test.each<[string, S3Fault, number]>([
    ["CopyObject", "failed", 2],
    ["CopyObject", "lost", 2],
    ["UploadPartCopy", "failed", 3],
    ["CompleteMultipartUpload", "failed", 2],
    ["CompleteMultipartUpload", "lost", 2],
  ])("of which one %s ends as %s is made all the same", async (operation, fault, requests) => {
    let failed = false;
    await using opened = await open(
      (request) => {
        if (failed || request.operation !== operation || request.key !== "lake/copy") return undefined;
        failed = true;
        return fault;
      },
      {},
      operation === "CopyObject" ? {} : { mostCopied: MiB },
    );
    const { store, server } = opened;
    {
      await using writer = await store.create("x");
      await writer.write(large);
      await writer.complete();
    }
    await store.copy("x", "copy");
    expect(Buffer.compare(await store.get("copy"), large)).toBe(0);
    const seen = server.requests.filter(({ key }) => key === "lake/copy");
    expect(seen.filter((request) => request.operation === operation).length).toBe(requests);
    expect(server.objects.uploads).toBe(0);
  });

  test("of what is gone says so, in parts as well, and leaves nothing", async () => {
    let gone = "none";
    await using opened = await open(
      ({ operation }) => {
        if (operation === "UploadPartCopy") opened.server.objects.delete(gone);
        return undefined;
      },
      {},
      { mostCopied: MiB },
    );
    const { store, server } = opened;
    await store.put("x", large);
    expect(await codeOf(store.copy("none", "copy"))).toBe("ALV_NOT_FOUND");
    gone = "lake/x";
    expect(await codeOf(store.copy("x", "copy"))).toBe("ALV_NOT_FOUND");
    expect(server.objects.uploads).toBe(0);
    expect(await store.head("copy")).toBeUndefined();
  });

  test("is refused as S3 refuses it, small objects too", async () => {
    await using opened = await open(undefined, {}, { mostCopied: 3 });
    await opened.store.put("x", text("small"));
    await expect(opened.store.copy("x", "copy")).rejects.toMatchObject({
      code: "ALV_STORE_FAILED",
      message: expect.stringMatching(/cannot copy x .*InvalidRequest.*larger/) as string,
    });
  });

  test.each([MiB, undefined])(
    "is encrypted as objects are, and keeps metadata (at most %s bytes)",
    async (most) => {
      await using opened = await open(
        undefined,
        { encryption: { kmsKey: "key-1" } },
        most === undefined ? {} : { mostCopied: most },
      );
      const { store, server } = opened;
      expect(await store.putIfAbsent("x", large)).toBe(true);
      await store.copy("x", "copy");
      expect(server.objects.get("lake/copy").headers).toMatchObject({
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "key-1",
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
        "x-amz-meta-alv-put": expect.any(String) as string,
      });
    },
  );
});

describe("what is refused", () => {
  test("a server that takes no notice of conditions", async () => {
    await using opened = await open(undefined, {}, { unconditional: true });
    expect(await codeOf(opened.store.putIfAbsent("x", text("x")))).toBe("ALV_STORE_UNSAFE");
  });

  test.each<[string, S3StoreOptions, RegExp]>([
    [
      "a key that is not known",
      { credentials: { accessKeyId: "NOBODY", secretAccessKey: "x" } },
      /access key/,
    ],
    ["a wrong secret", { credentials: { accessKeyId: "AKIATEST", secretAccessKey: "wrong" } }, /secret key/],
  ])("%s", async (_, options, message) => {
    await using opened = await open(undefined, options);
    const { store } = opened;
    const calls = [
      () => store.put("x", text("x")),
      () => store.get("x"),
      () => Array.fromAsync(store.list("")),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({
        code: "ALV_AUTH",
        message: expect.stringMatching(message) as string,
      });
  });

  test("a bucket that is not there", async () => {
    await using opened = await open(undefined);
    const { endpoint, account } = opened.server;
    const store = s3Store("s3://none", { endpoint, credentials: account });
    await expect(store.put("x", text("x"))).rejects.toMatchObject({
      code: "ALV_NOT_FOUND",
      message: expect.stringMatching(/no such bucket/) as string,
    });
  });

  test("a server that is not there, after some tries", async () => {
    const store = s3Store("s3://lake", {
      endpoint: "http://127.0.0.1:1",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      attempts: 2,
    });
    await expect(store.get("x")).rejects.toMatchObject({ code: "ALV_STORE_FAILED", retryable: true });
  });

  test("no region", async () => {
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
    vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");
    await expect(s3Store("s3://lake").get("x")).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringMatching(/AWS_REGION/) as string,
    });
  });

  test.each(["http://lake", "s3://", "s3://UPPER", "s3://lake/../x", "lake"])("the URL %s", (url) => {
    expect(() => s3Store(url)).toThrow(expect.objectContaining({ code: "ALV_CONFIG" }));
  });

  test("parts that are too small", () => {
    expect(() => s3Store("s3://lake", { partSize: 1024 })).toThrow(/partSize is 1024/);
  });
});

test("keys that are refused are asked for once more: they may have been rotated", async () => {
  await using server = await startS3();
  let value = "rotated away";
  let asked = 0;
  const secretAccessKey = new Secret(
    () => {
      asked += 1;
      return value;
    },
    () => void (value = server.account.secretAccessKey),
  );
  const store = s3Store(`s3://${BUCKET}`, {
    endpoint: server.endpoint,
    credentials: { accessKeyId: server.account.accessKeyId, secretAccessKey },
  });
  await store.put("x", text("x"));
  expect(Buffer.from(await store.get("x")).toString()).toBe("x");
  expect(asked).toBe(2);
});

test("an abort ends a read that stands still, with its reason", async () => {
  await using opened = await open(({ operation }) => (operation === "GetObject" ? "stall" : undefined), {
    timeout: 60_000,
  });
  await opened.store.put("x", text("x".repeat(1000)));
  const controller = new AbortController();
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 50);
  await expect(opened.store.get("x", { signal: controller.signal })).rejects.toBe(reason);
});

test("an upload that is disposed leaves nothing", async () => {
  await using opened = await open(undefined);
  {
    await using writer = await opened.store.create("x");
    await writer.write(large);
    expect(opened.server.objects.uploads).toBe(1);
  }
  expect(opened.server.objects.uploads).toBe(0);
  expect(await opened.store.head("x")).toBeUndefined();
});

test("secrets are in no error", async () => {
  await using opened = await open(undefined, {
    credentials: { accessKeyId: "AKIATEST", secretAccessKey: "hunter2-hunter2" },
  });
  const error: unknown = await opened.store.get("x").catch((thrown: unknown) => thrown);
  const { inspect } = await import("node:util");
  expect(inspect(error, { depth: 8 })).not.toContain("hunter2");
});
