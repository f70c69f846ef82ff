import { Buffer } from "node:buffer";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { mkdtempSync, rmSync, writeFileSync, appendFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { fileStore } from "@alluvium/core/storage/file";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, seededRandom } from "@alluvium/core/testing";
import type { FileContent } from "@alluvium/sources/files";
import { decompress } from "../../src/files/content/compression.ts";
import { HEAD_BYTES, openContent } from "../../src/files/content/open.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);

/** Bytes that compress a little. */
function someBytes(length: number, of = seed): Buffer {
  const random = seededRandom(of);
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * 16)));
}

async function opened(store: ObjectStore, path: string): Promise<FileContent> {
  const info = (await store.head(path))!;
  return openContent(store, info, { signal: new AbortController().signal, budget: 2 * 1024 * 1024 });
}

async function contentOf(data: Uint8Array): Promise<FileContent> {
  const store = memoryStore();
  await store.put("a", data);
  return opened(store, "a");
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

async function refused(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "not refused",
    (error: unknown) => {
      if (!AlluviumError.is(error)) throw error;
      return `${error.code} ${error.message}`;
    },
  );
}

// Without checksums zstd does not notice what is damaged.
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const compressors = {
  gzip: (data: Uint8Array) => gzipSync(data),
  zstd: (data: Uint8Array) => zstdCompressSync(data, checked),
} as const;

describe(`content (seed ${seed})`, () => {
  test("a file is read from any offset, whatever its size", async () => {
    for (const length of [0, 1, 1000, HEAD_BYTES, HEAD_BYTES + 1, 3_000_001]) {
      const data = someBytes(length);
      const content = await contentOf(data);
      expect(content.compression).toBe("none");
      for (const offset of [0, 1, Math.floor(length / 2), HEAD_BYTES - 1, length])
        expect(
          (await all(content.read(offset))).equals(data.subarray(offset)),
          `${length} from ${offset}`,
        ).toBe(true);
      for (const [start, end] of [
        [0, length],
        [length >> 1, length],
        [HEAD_BYTES - 5, HEAD_BYTES + 5],
      ] as const) {
        const [from, to] = [Math.min(start, length), Math.min(end, length)];
        expect(Buffer.from(await content.range(from, to)).equals(data.subarray(from, to))).toBe(true);
      }
    }
  });

  test("chunks are kept as they are, but where their memory may be used again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "alluvium-content-"));
    try {
      const data = someBytes(6_000_001);
      const store = fileStore(folder);
      await store.put("a", data);
      const content = await opened(store, "a");
      expect((await all(content.read())).equals(data)).toBe(true);
      const copies: Buffer[] = [];
      const buffers = new Set<ArrayBufferLike>();
      for await (const chunk of content.read(0, { reuses: true })) {
        copies.push(Buffer.from(chunk));
        buffers.add(chunk.buffer);
      }
      expect(Buffer.concat(copies).equals(data)).toBe(true);
      expect(buffers.size).toBeLessThan(copies.length / 2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each(["gzip", "zstd"] as const)(
    "%s: all members and frames, from any offset, however they are cut",
    async (kind) => {
      const parts = [0, 1, 5000, 0, 700_000, 3].map((length, i) => someBytes(length, seed + i));
      const data = Buffer.concat(parts);
      const stored = Buffer.concat(parts.map((part) => compressors[kind](part)));
      const content = await contentOf(stored);
      expect(content.compression).toBe(kind);
      for (const offset of [0, 1, 5001, 700_000, data.length])
        expect((await all(content.read(offset))).equals(data.subarray(offset)), `from ${offset}`).toBe(true);
      // Also where pieces end with members, and within their magic numbers.
      const ends = parts.map(
        (_, i) => Buffer.concat(parts.slice(0, i + 1).map((part) => compressors[kind](part))).length,
      );
      for (const cuts of [ends, ends.map((end) => end + 1), ends.map((end) => end - 2), [7, 100, 1000]]) {
        async function* pieces() {
          let at = 0;
          for (const cut of [...cuts, stored.length]
            .filter((one) => one <= stored.length)
            .sort((a, b) => a - b)) {
            yield stored.subarray(at, cut);
            at = cut;
          }
        }
        expect(
          (await all(decompress(pieces(), { path: "a", compression: kind, again: pieces }))).equals(data),
          `cut at ${cuts.join()}`,
        ).toBe(true);
      }
    },
  );

  test.each(["gzip", "zstd"] as const)(
    "%s: what is cut off, damaged, or followed by something else is told",
    async (kind) => {
      const [first, second] = [compressors[kind](someBytes(4000)), compressors[kind](someBytes(300_000))];
      const stored = Buffer.concat([first, second]);
      const read = async (data: Uint8Array): Promise<string> => refused(all((await contentOf(data)).read()));
      for (const end of [
        first.length + 1,
        first.length + 3,
        first.length + 12,
        stored.length - 1,
        stored.length - 5,
      ]) {
        const message = await read(stored.subarray(0, end));
        expect(message, `cut at ${end}`).toMatch(/^ALV_SOURCE_DATA a: .* of the (gzip|zstd) file/);
      }
      expect(await read(Buffer.concat([stored, Buffer.from("and more")]))).toMatch(/^ALV_SOURCE_DATA a: /);
      const damaged = Buffer.from(stored);
      damaged.fill(0xff, first.length + 2000, first.length + 2100);
      expect(await read(damaged)).toMatch(/^ALV_SOURCE_DATA a: /);
      // An offset behind the end of what is there.
      expect(await refused(all((await contentOf(stored)).read(304_001)))).toMatch(
        /^ALV_SOURCE_DATA .* 1 bytes before/,
      );
    },
  );

  test("what stands behind gzip is told by its place in the file", async () => {
    // In the first piece, and far behind it; with a name and other fields in the headers.
    for (const [small, large] of [
      [4000, 300],
      [700_000, 2_500_000],
    ] as const) {
      const named = gzipSync(someBytes(small));
      const fields = Buffer.concat([Buffer.from([3, 0, 1, 2, 3]), Buffer.from("a.csv\0note\0")]);
      named[3] = 4 | 8 | 16;
      const first = Buffer.concat([named.subarray(0, 10), fields, named.subarray(10)]);
      const members = Buffer.concat([first, gzipSync(someBytes(large))]);
      for (const rest of ["garbage", "gz"]) {
        const content = await contentOf(Buffer.concat([members, Buffer.from(rest)]));
        expect(await refused(all(content.read()))).toContain(
          `a: there is something behind its end at byte ${members.length} of the gzip file (byte ${small + large} of its content)`,
        );
      }
      // What is damaged within is no end.
      const damaged = Buffer.concat([first, Buffer.from("garbage"), members]);
      damaged.fill(0xff, first.length - 8, first.length);
      expect(await refused(all((await contentOf(damaged)).read()))).toMatch(
        /damaged \(incorrect .* check\) after byte/,
      );
    }
  });

  test("gzip may be padded with zeros, but with nothing behind them", async () => {
    const data = someBytes(5000);
    const padded = Buffer.concat([gzipSync(data), Buffer.alloc(512)]);
    expect((await all((await contentOf(padded)).read())).equals(data)).toBe(true);
    const more = Buffer.concat([padded, gzipSync(data)]);
    expect(await refused(all((await contentOf(more)).read()))).toContain("something behind its end");
  });

  test("an overwritten file is noticed, wherever it is read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "alv-content-"));
    try {
      for (const store of [memoryStore(), fileStore(folder)]) {
        const data = someBytes(2_000_000);
        for (const change of [
          () => store.put("a", someBytes(2_000_000, seed + 1)),
          async () => {
            // In place, where the store is a folder.
            if (store.url.startsWith("file:")) appendFileSync(join(folder, "a"), "more");
            else await store.put("a", Buffer.concat([data, data]));
          },
          async () => {
            if (store.url.startsWith("file:")) writeFileSync(join(folder, "a"), "short");
            else await store.put("a", Buffer.from("short"));
          },
        ]) {
          await store.put("a", data);
          const content = await opened(store, "a");
          await change();
          expect(await refused(content.range(1_000_000, 1_000_010))).toMatch(/^ALV_SOURCE_CHANGED/);
          expect(await refused(all(content.read()))).toMatch(/^ALV_SOURCE_CHANGED/);
        }
        const content = await opened(store, "a");
        expect(content.size).toBe(5);
        await store.put("a", data);
        const info = { path: "a", size: 5, modified: new Date(), etag: content.tag };
        expect(
          await refused(openContent(store, info, { signal: new AbortController().signal, budget: 1 })),
        ).toMatch(/^ALV_SOURCE_CHANGED/);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("what may pass is tried again, and reading ahead is bounded and ends with the reader", async () => {
    const inner = memoryStore();
    const data = someBytes(6_000_000);
    await inner.put("a", data);
    let underWay = 0;
    let most = 0;
    let calls = 0;
    const store: ObjectStore = {
      ...inner,
      async get(path, call) {
        underWay += 1;
        most = Math.max(most, underWay);
        try {
          await new Promise((resolve) => setTimeout(resolve, 2));
          call?.signal?.throwIfAborted();
          if ([2, 9].includes(calls++)) throw new AlluviumError("ALV_STORE_FAILED", "on purpose");
          return await inner.get(path, call);
        } finally {
          underWay -= 1;
        }
      },
    };
    const content = await opened(store, "a");
    expect((await all(content.read())).equals(data)).toBe(true);
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(1);
    for await (const chunk of content.read(3_000_000)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(underWay).toBe(0);
  });

  test("a store that is stopped stops the reading", async () => {
    const inner = memoryStore();
    await inner.put("a", someBytes(3_000_000));
    const store = faultStore(inner, { stopAt: 4 });
    const content = await opened(store, "a");
    await expect(all(content.read())).rejects.toThrow("stopped on purpose");
  });
});
