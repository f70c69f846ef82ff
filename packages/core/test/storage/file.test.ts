import { spawn } from "node:child_process";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fileStore } from "../../src/storage/file.ts";

vi.mock("node:fs/promises", async (load) => ({ ...(await load<typeof fs>()) }));

const bytes = (value: string) => new TextEncoder().encode(value);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const failure = (code: string) => Object.assign(new Error(`${code}: on purpose`), { code });

let root: string;
beforeEach(async () => {
  root = await fs.mkdtemp(join(tmpdir(), "alluvium-file-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(root, { recursive: true, force: true });
});

/** Names of everything below the root, temporary files included. */
const names = async () => (await fs.readdir(root, { recursive: true })).sort();

describe("where it stands", () => {
  test("takes paths and file URLs, and does nothing before it is used", async () => {
    const folder = join(root, "a b", "lake");
    const url = pathToFileURL(folder);
    for (const place of [folder, url, url.href]) expect(fileStore(place).url).toBe(url.href);
    expect(await names()).toEqual([]);
    await fileStore(url).put("x", bytes("x"));
    expect(await names()).toEqual(["a b", "a b/lake", "a b/lake/x"]);
  });

  test("refuses other URLs", () => {
    expect(() => fileStore(new URL("s3://bucket/lake"))).toThrow(
      expect.objectContaining({ code: "ALV_CONFIG" }),
    );
    expect(() => fileStore("file://server/lake")).toThrow(expect.objectContaining({ code: "ALV_CONFIG" }));
  });

  test("lists nothing where there is no folder, and says so for a file", async () => {
    const paths: string[] = [];
    for await (const { path } of fileStore(join(root, "none")).list("")) paths.push(path);
    expect(paths).toEqual([]);
  });
});

describe("temporary files", () => {
  test("are gone after each call, also after one that failed", async () => {
    const store = fileStore(root);
    await store.put("a", bytes("a"));
    await store.putIfAbsent("a", bytes("b"));
    await store.now();
    vi.spyOn(fs, "rename").mockRejectedValueOnce(failure("EIO"));
    await expect(store.put("a", bytes("c"))).rejects.toMatchObject({ code: "ALV_STORE_FAILED" });
    expect(await names()).toEqual(["a"]);
    expect(text(await store.get("a"))).toBe("a");
  });

  test("of killed processes are hidden, and removed when they are old", async () => {
    const store = fileStore(root);
    const fresh = `.alv-${"0".repeat(32)}.tmp`;
    const stale = `.alv-${"1".repeat(32)}.tmp`;
    await fs.writeFile(join(root, fresh), "x");
    await fs.writeFile(join(root, stale), "x");
    const old = new Date(Date.now() - 25 * 3_600_000);
    await fs.utimes(join(root, stale), old, old);
    for await (const { path } of store.list("")) expect.unreachable(path);
    expect(await names()).toEqual([fresh]);
    await expect(store.get(fresh)).rejects.toMatchObject({ code: "ALV_CONFIG" });
  });
});

describe("durability", () => {
  /** Opened or synced files and folders in order, relative to the root. */
  const watchSyncs = () => {
    const synced: string[] = [];
    const open = fs.open;
    vi.spyOn(fs, "open").mockImplementation(async (path, ...rest) => {
      const handle = await open(path, ...rest);
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        const name = relative(root, String(path)).replace(/\.alv-[0-9a-f]+/, "TEMP");
        synced.push(name === "" ? "." : name);
        await sync();
      };
      return handle;
    });
    return synced;
  };

  test("putIfAbsent syncs the bytes before the link, then every folder up to the root and a new root's own", async () => {
    const synced = watchSyncs();
    const link = vi.spyOn(fs, "link");
    const store = fileStore(join(root, "new", "lake"));
    await store.putIfAbsent("log/x/0", bytes("0"));
    expect(synced[0]).toBe("new/lake/log/x/TEMP.tmp");
    expect(link).toHaveBeenCalledTimes(1);
    expect(synced.slice(1).sort()).toEqual([".", "new", "new/lake", "new/lake/log", "new/lake/log/x"]);
    synced.length = 0;
    // The loser reads what the winner wrote, so that it has to last as well.
    expect(await store.putIfAbsent("log/x/0", bytes("1"))).toBe(false);
    expect(synced.slice(1).sort()).toEqual(["new/lake", "new/lake/log", "new/lake/log/x"]);
  });

  test("sync takes each file and folder once", async () => {
    const store = fileStore(root);
    for (const path of ["a/1", "a/2", "a/b/3"]) await store.put(path, bytes(path));
    const synced = watchSyncs();
    await store.sync(["a/1", "a/2", "a/b/3", "a/1"]);
    expect(synced.sort()).toEqual([".", "..", "a", "a/1", "a/2", "a/b", "a/b/3"]);
  });

  test("delete syncs the folders", async () => {
    const store = fileStore(root);
    await store.put("a/1", bytes("1"));
    const synced = watchSyncs();
    await store.delete(["a/1", "none/2"]);
    expect(synced).toEqual(["a"]);
  });

  test("a sync that fails is told once and never taken for a success", async () => {
    const store = fileStore(root);
    await store.put("a", bytes("a"));
    const open = fs.open;
    vi.spyOn(fs, "open").mockImplementation(async (...call) => {
      const handle = await open(...call);
      handle.sync = () => Promise.reject(failure("EIO"));
      return handle;
    });
    await expect(store.sync(["a"])).rejects.toMatchObject({ code: "ALV_STORE_FAILED", retryable: false });
  });

  test("folders that cannot be synced here are left to the file system", async () => {
    const open = fs.open;
    vi.spyOn(fs, "open").mockImplementation(async (path, ...rest) => {
      const handle = await open(path, ...rest);
      if ((await handle.stat()).isDirectory()) handle.sync = () => Promise.reject(failure("EINVAL"));
      return handle;
    });
    expect(await fileStore(root).putIfAbsent("a", bytes("a"))).toBe(true);
  });
});

describe("without hard links", () => {
  test.each(["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"])("%s is an unsafe store", async (code) => {
    const store = fileStore(root);
    await store.put("there", bytes("x"));
    vi.spyOn(fs, "link").mockImplementation(() => Promise.reject(failure(code)));
    await expect(store.putIfAbsent("a", bytes("a"))).rejects.toMatchObject({ code: "ALV_STORE_UNSAFE" });
    await expect(store.rename("there", "b")).rejects.toMatchObject({ code: "ALV_STORE_UNSAFE" });
    expect(await names()).toEqual(["there"]);
  });
});

describe("copy", () => {
  test("puts a whole file in place, leaves nothing behind, and does not follow the original", async () => {
    const store = fileStore(root);
    await store.put("from", bytes("x".repeat(100_000)));
    await store.copy("from", "deep/to");
    await fs.appendFile(join(root, "from"), "more");
    expect(text(await store.get("deep/to"))).toBe("x".repeat(100_000));
    vi.spyOn(fs, "rename").mockRejectedValueOnce(failure("EIO"));
    await expect(store.copy("from", "deep/to")).rejects.toMatchObject({ code: "ALV_STORE_FAILED" });
    expect(text(await store.get("deep/to"))).toBe("x".repeat(100_000));
    vi.spyOn(fs, "copyFile").mockRejectedValueOnce(failure("ENOSPC"));
    await expect(store.copy("from", "deep/to")).rejects.toMatchObject({ code: "ALV_STORE_FULL" });
    expect(await fs.readdir(join(root, "deep"))).toEqual(["to"]);
  });
});

describe("rename", () => {
  test("finishes one that was killed between link and unlink", async () => {
    const store = fileStore(root);
    await store.put("from", bytes("x"));
    await fs.link(join(root, "from"), join(root, "to"));
    expect(await store.rename("from", "to")).toBe(true);
    expect(await names()).toEqual(["to"]);
    // One name in two spellings, where the file system folds case, is not two links.
    await store.put("TO", bytes("y"));
    const { stat } = fs;
    const same = (async (path: string, options: { bigint: true }) =>
      stat(path.replace(/TO$/, "to"), options)) as unknown as typeof fs.stat;
    vi.spyOn(fs, "stat").mockImplementation(same);
    expect(await store.rename("to", "TO")).toBe(false);
    vi.restoreAllMocks();
    await store.delete(["TO"]);
    expect(await store.rename("to", "to")).toBe(false);
    expect(await names()).toEqual(["to"]);
  });
});

describe("errors of the system", () => {
  const failWrites = (code: string) => {
    const open = fs.open;
    vi.spyOn(fs, "open").mockImplementation(async (...call) => {
      const handle = await open(...call);
      handle.write = () => Promise.reject(failure(code));
      return handle;
    });
  };

  test.each(["ENOSPC", "EDQUOT"])("%s is a full store, and leaves nothing behind", async (code) => {
    const store = fileStore(root);
    failWrites(code);
    const full = expect.objectContaining({ code: "ALV_STORE_FULL", retryable: false });
    await expect(store.put("a", bytes("a"))).rejects.toEqual(full);
    await expect(store.putIfAbsent("a", bytes("a"))).rejects.toEqual(full);
    const large = async () => {
      await using writer = await store.create("large");
      for (let i = 0; i < 10; i++) await writer.write(new Uint8Array(1_000_000));
      await writer.complete();
    };
    await expect(large()).rejects.toEqual(full);
    const small = async () => {
      await using writer = await store.create("small");
      await writer.write(bytes("x"));
      await writer.complete();
    };
    await expect(small()).rejects.toEqual(full);
    await expect(small()).rejects.toThrow(/small in file:.*room/s);
    expect(await names()).toEqual([]);
  });

  test("a background write that fails is told by the next call, not as an unhandled rejection", async () => {
    const store = fileStore(root);
    failWrites("EIO");
    await using writer = await store.create("a");
    // Small pieces are gathered, and written behind the caller's back.
    const later = async () => {
      for (let i = 0; i < 90; i++) await writer.write(new Uint8Array(100_000));
    };
    await expect(later()).rejects.toMatchObject({ code: "ALV_STORE_FAILED" });
    await expect(writer.write(new Uint8Array(9_000_000))).rejects.toMatchObject({ code: "ALV_STORE_FAILED" });
    await expect(writer.complete()).rejects.toMatchObject({ code: "ALV_STORE_FAILED" });
  });

  test.each([
    ["EACCES", "ALV_AUTH"],
    ["EROFS", "ALV_AUTH"],
    ["EMFILE", "ALV_STORE_FAILED"],
    ["ENAMETOOLONG", "ALV_CONFIG"],
    ["EIO", "ALV_STORE_FAILED"],
  ])("%s is %s and names the file", async (system, code) => {
    vi.spyOn(fs, "open").mockImplementation(() => Promise.reject(failure(system)));
    const told = expect.objectContaining({ code, message: expect.stringContaining("dir/a") as string });
    await expect(fileStore(root).get("dir/a")).rejects.toEqual(told);
    await expect(fileStore(root).create("dir/a")).rejects.toEqual(told);
  });

  test("a file in the place of a folder", async () => {
    const store = fileStore(root);
    await store.put("a", bytes("a"));
    await expect(store.put("a/b", bytes("b"))).rejects.toMatchObject({
      code: "ALV_STORE_FAILED",
      retryable: false,
    });
    await fs.mkdir(join(root, "folder"));
    await expect(store.get("folder")).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
    expect(await store.head("folder")).toBeUndefined();
  });
});

describe("the writer", () => {
  test("writes large pieces whatever it is given, and holds few bytes", async () => {
    const sizes: number[] = [];
    const open = fs.open;
    vi.spyOn(fs, "open").mockImplementation(async (...call) => {
      const handle = await open(...call);
      const write = handle.write.bind(handle) as (
        ...args: unknown[]
      ) => Promise<{ bytesWritten: number; buffer: Uint8Array }>;
      handle.write = ((...args: [Uint8Array, number, number, number]) => {
        sizes.push(args[2]);
        return write(...args);
      }) as typeof handle.write;
      return handle;
    });
    await using writer = await fileStore(root).create("a");
    for (let i = 0; i < 1000; i++) await writer.write(new Uint8Array(7_919));
    expect((await writer.complete()).size).toBe(7_919_000);
    expect(sizes).toHaveLength(4);
    expect(Math.max(...sizes)).toBe(2 * 1024 * 1024);
  });

  test("has one write on its way at a time, and completes when it has arrived", async () => {
    let underway = 0;
    let most = 0;
    const open = fs.open;
    vi.spyOn(fs, "open").mockImplementation(async (...call) => {
      const handle = await open(...call);
      const write = handle.write.bind(handle) as (
        ...args: unknown[]
      ) => Promise<{ bytesWritten: number; buffer: Uint8Array }>;
      handle.write = (async (...args: unknown[]) => {
        most = Math.max(most, ++underway);
        await sleep(20);
        const result = await write(...args);
        underway -= 1;
        return result;
      }) as typeof handle.write;
      return handle;
    });
    await using writer = await fileStore(root).create("a");
    for (let i = 0; i < 80; i++) await writer.write(new Uint8Array(100_000).fill(i));
    await writer.complete();
    expect([most, underway]).toEqual([1, 0]);
    const got = await fileStore(root).get("a");
    for (let i = 0; i < 80; i++) expect(got[i * 100_000]).toBe(i);
  });

  test("goes on after a write that took only a part", async () => {
    const open = fs.open;
    vi.spyOn(fs, "open").mockImplementation(async (...call) => {
      const handle = await open(...call);
      const write = handle.write.bind(handle) as (
        ...args: unknown[]
      ) => Promise<{ bytesWritten: number; buffer: Uint8Array }>;
      handle.write = ((data: Uint8Array, at: number, count: number, position: number) =>
        write(data, at, Math.min(count, 1000), position)) as typeof handle.write;
      return handle;
    });
    const whole = Uint8Array.from({ length: 12_345 }, (_, i) => i % 251);
    const store = fileStore(root);
    await using writer = await store.create("a");
    await writer.write(whole);
    await writer.complete();
    expect(await store.get("a")).toEqual(whole);
  });
});

test("several processes: one of them creates each object, and all see whole ones", async () => {
  const processes = 4;
  const objects = 25;
  const program = `
    const { fileStore } = await import(${JSON.stringify(new URL("../../src/storage/file.ts", import.meta.url).href)});
    const store = fileStore(${JSON.stringify(root)});
    const mine = new Uint8Array(20000).fill(process.pid & 0xff);
    let won = 0;
    for (let i = 0; i < ${objects}; i++) {
      if (await store.putIfAbsent("log/" + i, mine)) won++;
      const bytes = await store.get("log/" + i);
      if (bytes.length !== 20000 || bytes.some((byte) => byte !== bytes[0])) throw new Error("torn");
    }
    console.log(won);`;
  const runs = Array.from({ length: processes }, async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    for await (const chunk of child.stdout) out += String(chunk);
    return Number(out);
  });
  const won = await Promise.all(runs);
  expect(won.reduce((sum, each) => sum + each, 0)).toBe(objects);
});
