import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { AlluviumError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { compareBytewise } from "../storage/path.ts";
import type { ObjectStore } from "../storage/store.ts";

/** Options of {@link storeSuite}. */
export interface StoreSuiteOptions {
  /** Takes one case: `test` of vitest, jest, `node:test` … */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Opens an empty store; disposing what it returns cleans up. Called once a case. */
  readonly open: () => Promise<AsyncDisposable & { readonly store: ObjectStore }>;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const read = async (store: ObjectStore, path: string): Promise<string> =>
  new TextDecoder().decode(await store.get(path));
const code =
  (...wanted: readonly ErrorCode[]) =>
  (error: unknown): boolean =>
    AlluviumError.is(error) && wanted.includes(error.code);

async function pathsOf(store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> {
  const paths: string[] = [];
  const options = startAfter === undefined ? {} : { startAfter };
  for await (const info of store.list(prefix, options)) paths.push(info.path);
  return paths;
}

/** What has to hold of every {@link ObjectStore}. */
const cases: readonly { readonly name: string; readonly run: (store: ObjectStore) => Promise<void> }[] = [
  {
    name: "gets what was put, whole and by range",
    async run(store) {
      await store.put("a/b.bin", text("0123456789"));
      equal(await read(store, "a/b.bin"), "0123456789");
      const part = async (start: number, end?: number): Promise<string> =>
        new TextDecoder().decode(
          await store.get("a/b.bin", { range: end === undefined ? { start } : { start, end } }),
        );
      equal(await part(2, 5), "234");
      equal(await part(7), "789");
      equal(await part(-3), "789");
      equal(await part(-30), "0123456789");
      equal(await part(8, 99), "89");
      equal(await part(3, 3), "");
    },
  },
  {
    name: "gets into memory that is given, where there is room, and touches none behind it",
    async run(store) {
      await store.put("a/b.bin", text("0123456789"));
      for (const size of [0, 3, 4, 9]) {
        const into = new Uint8Array(size).fill(255);
        const bytes = await store.get("a/b.bin", { range: { start: 2, end: 6 }, into });
        deepEqual(new Uint8Array(bytes), text("2345"));
        deepEqual(into.subarray(4), new Uint8Array(Math.max(0, size - 4)).fill(255));
      }
    },
  },
  {
    name: "keeps its own copy of the bytes, and gives away copies",
    async run(store) {
      // A Buffer too, whose `slice` is no copy.
      for (const bytes of [text("abc"), Buffer.from("abc")]) {
        await store.put("x", bytes);
        bytes.fill(0);
        const got = await store.get("x");
        equal(new TextDecoder().decode(got), "abc");
        got.fill(0);
        equal(await read(store, "x"), "abc");
      }
    },
  },
  {
    name: "tells an absent object by name",
    async run(store) {
      await rejects(
        store.get("no/such"),
        (error) => code("ALV_NOT_FOUND")(error) && String(error).includes("no/such"),
      );
      equal(await store.head("no/such"), undefined);
      await store.put("file", text("x"));
      await rejects(store.get("file/below"), code("ALV_NOT_FOUND"));
      equal(await store.head("file/below"), undefined);
    },
  },
  {
    name: "gets the version that is asked for, and no other",
    async run(store) {
      await store.put("v/x", text("first version"));
      const first = (await store.head("v/x"))!;
      if (first.etag === undefined) return;
      const listed: (string | undefined)[] = [];
      for await (const { etag } of store.list("v/")) listed.push(etag);
      deepEqual(listed, [first.etag]);
      const ifMatch = first.etag;
      deepEqual(await store.get("v/x", { ifMatch }), text("first version"));
      deepEqual(await store.get("v/x", { ifMatch, range: { start: 2, end: 5 } }), text("rst"));
      deepEqual(await store.get("v/x", { ifMatch, range: { start: 3, end: 3 } }), text(""));
      await store.put("v/x", text("other version"));
      const changed = code("ALV_SOURCE_CHANGED");
      await rejects(
        store.get("v/x", { ifMatch }),
        (error) => changed(error) && String(error).includes("v/x"),
      );
      await rejects(store.get("v/x", { ifMatch, range: { start: 2, end: 5 } }), changed);
      await rejects(store.get("v/x", { ifMatch, range: { start: 3, end: 3 } }), changed);
      const other = (await store.head("v/x"))!.etag;
      deepEqual(await store.get("v/x", { ifMatch: other }), text("other version"));
      await store.delete(["v/x"]);
      await rejects(store.get("v/x", { ifMatch: other }), code("ALV_NOT_FOUND"));
    },
  },
  {
    name: "replaces by put",
    async run(store) {
      await store.put("x", text("a longer text"));
      await store.put("x", text("short"));
      equal(await read(store, "x"), "short");
      equal((await store.head("x"))?.size, 5);
    },
  },
  {
    name: "creates by putIfAbsent once",
    async run(store) {
      equal(await store.putIfAbsent("log/0.json", text("first")), true);
      equal(await store.putIfAbsent("log/0.json", text("second")), false);
      equal(await read(store, "log/0.json"), "first");
    },
  },
  {
    name: "lets one of many concurrent putIfAbsent win, and readers see no part of it",
    async run(store) {
      const bodies = Array.from({ length: 16 }, (_, i) => text(`${i},`.repeat(5000)));
      for (let round = 0; round < 4; round++) {
        const path = `log/${round}`;
        let racing = true;
        const reader = (async () => {
          while (racing) {
            const bytes = await store.get(path).catch(() => undefined);
            if (bytes === undefined) continue;
            ok(
              bodies.some((body) => Buffer.compare(body, bytes) === 0),
              "a reader saw a part of an object",
            );
          }
        })();
        const won = await Promise.all(bodies.map((body) => store.putIfAbsent(path, body)));
        racing = false;
        await reader;
        equal(won.filter(Boolean).length, 1);
        deepEqual(await store.get(path), bodies[won.indexOf(true)]);
      }
    },
  },
  {
    name: "writes an object in pieces of any size",
    async run(store) {
      await using writer = await store.create("data/big.bin");
      const whole = new Uint8Array(7_654_321);
      for (let i = 0; i < whole.length; i++) whole[i] = (i * 31) & 0xff;
      const sizes = [1, 0, 100, 65_536, 3_000_000, 17, 2_097_152];
      let at = 0;
      for (let i = 0; at < whole.length; i++) {
        const piece = Buffer.from(whole.slice(at, at + sizes[i % sizes.length]!));
        await writer.write(piece);
        at += piece.length;
        // The caller may use its bytes again.
        piece.fill(0);
        equal(writer.size, at);
      }
      const info = await writer.complete();
      equal(info.path, "data/big.bin");
      equal(info.size, whole.length);
      await writer[Symbol.asyncDispose]();
      ok(Buffer.compare(await store.get("data/big.bin"), whole) === 0);
    },
  },
  {
    name: "completes an object without bytes",
    async run(store) {
      await using writer = await store.create("empty");
      equal((await writer.complete()).size, 0);
      equal((await store.get("empty")).length, 0);
    },
  },
  {
    name: "removes an object whose writer is disposed before it is complete",
    async run(store) {
      {
        await using writer = await store.create("half");
        await writer.write(text("half of it"));
      }
      equal(await store.head("half"), undefined);
      deepEqual(await pathsOf(store, ""), []);
    },
  },
  {
    name: "does not create over an object",
    async run(store) {
      await store.put("there", text("old"));
      await rejects(async () => {
        await using writer = await store.create("there");
        await writer.write(text("new"));
        await writer.complete();
      }, code("ALV_STORE_FAILED"));
      equal(await read(store, "there"), "old");
    },
  },
  {
    name: "lists by prefix in byte order, after a start",
    async run(store) {
      // U+FF61 sorts before U+1F600 by bytes, after it by UTF-16 code units; "a-b" < "a/b" < "a0".
      const paths = ["a-b", "a/b", "a/b/c", "a0", "B", "b/\u{ff61}", "b/\u{1f600}", "b/é", "b/z", "é"];
      const nested = paths.filter((path) => path !== "a/b");
      for (const path of nested.toReversed()) await store.put(path, text(path));
      const sorted = nested.toSorted(compareBytewise);
      deepEqual(await pathsOf(store, ""), sorted);
      deepEqual(await pathsOf(store, "a"), ["a-b", "a/b/c", "a0"]);
      deepEqual(await pathsOf(store, "a/"), ["a/b/c"]);
      deepEqual(await pathsOf(store, "b/\u{ff61}"), ["b/\u{ff61}"]);
      deepEqual(await pathsOf(store, "none/"), []);
      for (const [i, path] of sorted.entries())
        deepEqual(await pathsOf(store, "", path), sorted.slice(i + 1));
      deepEqual(await pathsOf(store, "", "a/b/b"), sorted.slice(sorted.indexOf("a/b/c")));
      deepEqual(await pathsOf(store, "", "a/c"), sorted.slice(sorted.indexOf("a0")));
      equal(compareBytewise("b/\u{ff61}", "b/\u{1f600}") < 0, true);
    },
  },
  {
    name: "lists sizes and times that head agrees with",
    async run(store) {
      await store.put("x/1", text("12345"));
      for await (const info of store.list("x/")) {
        deepEqual(info, await store.head("x/1"));
        equal(info.size, 5);
      }
    },
  },
  {
    name: "lists many objects while others come and go",
    async run(store) {
      const name = (i: number): string => `many/${String(i).padStart(4, "0")}`;
      for (let i = 0; i < 300; i++) await store.put(name(i), text("x"));
      const seen: string[] = [];
      for await (const { path } of store.list("many/")) {
        seen.push(path);
        if (path === name(10)) await store.delete([name(290)]);
      }
      const expected = Array.from({ length: 300 }, (_, i) => name(i));
      deepEqual(
        seen.filter((path) => path !== name(290)),
        expected.filter((path) => path !== name(290)),
      );
    },
  },
  {
    name: "deletes, and absent objects are no error",
    async run(store) {
      await store.put("d/1", text("1"));
      await store.put("d/2", text("2"));
      await store.delete(["d/1", "d/none", "no/folder/x"]);
      deepEqual(await pathsOf(store, ""), ["d/2"]);
    },
  },
  {
    name: "renames, replacing nothing",
    async run(store) {
      if (!store.capabilities.rename) return;
      await store.put("r/_staged", text("new"));
      await store.put("r/taken", text("old"));
      equal(await store.rename("r/_staged", "r/taken"), false);
      equal(await read(store, "r/taken"), "old");
      equal(await store.rename("r/_staged", "r/deep/er/final"), true);
      equal(await read(store, "r/deep/er/final"), "new");
      equal(await store.head("r/_staged"), undefined);
      await rejects(store.rename("r/_staged", "r/other"), code("ALV_NOT_FOUND"));
    },
  },
  {
    name: "copies, again as often as asked, and leaves the original",
    async run(store) {
      const names = ["c/a b", "c/k=%41+&?#ä'()*!/deep/er", "c/plain"];
      await store.put("c/from %2F+ä", text("copied"));
      for (const to of names) {
        await store.copy("c/from %2F+ä", to);
        equal(await read(store, to), "copied");
        equal((await store.head(to))?.size, 6);
      }
      await store.copy("c/from %2F+ä", "c/plain");
      await store.sync(names);
      deepEqual(await pathsOf(store, "c/"), [...names, "c/from %2F+ä"].toSorted(compareBytewise));
      // The copy stays what it is, whatever becomes of the original; and another one takes its place.
      await store.put("c/from %2F+ä", text("another"));
      equal(await read(store, "c/plain"), "copied");
      await store.copy("c/from %2F+ä", "c/plain");
      equal(await read(store, "c/plain"), "another");
      await store.delete(["c/from %2F+ä"]);
      equal(await read(store, "c/plain"), "another");
      await rejects(store.copy("c/from %2F+ä", "c/other"), code("ALV_NOT_FOUND"));
      await rejects(store.copy("c", "c/other"), code("ALV_NOT_FOUND"));
      equal(await store.head("c/other"), undefined);
      await store.put("c/empty", text(""));
      await store.copy("c/empty", "c/other");
      equal((await store.head("c/other"))?.size, 0);
    },
  },
  {
    name: "gives a copy the time of its making",
    async run(store) {
      await store.put("c/from", text("x"));
      const { modified } = (await store.head("c/from"))!;
      // The times of some stores have whole seconds.
      const tick = modified.getTime() % 1000 === 0 ? 1000 : 20;
      while ((await store.now()).getTime() < modified.getTime() + tick) await sleep(20);
      await store.copy("c/from", "c/to");
      ok((await store.head("c/to"))!.modified.getTime() > modified.getTime());
    },
  },
  {
    name: "syncs what is there, and says what is not",
    async run(store) {
      await store.put("s/a/1", text("1"));
      await store.put("s/b/2", text("2"));
      await store.sync(["s/a/1", "s/b/2", "s/a/1"]);
      await store.sync([]);
      if (store.capabilities.durable !== true) await rejects(store.sync(["s/a/none"]), code("ALV_NOT_FOUND"));
    },
  },
  {
    name: "has a clock that agrees with the times of objects",
    async run(store) {
      const before = await store.now();
      await store.put("t", text("t"));
      const after = await store.now();
      const modified = (await store.head("t"))!.modified.getTime();
      // Coarse clocks: a tick of slack.
      ok(modified >= before.getTime() - 20 && modified <= after.getTime() + 20);
      deepEqual(await pathsOf(store, ""), ["t"]);
    },
  },
  {
    name: "takes paths to the letter",
    async run(store) {
      const paths = ["p/a b", "p/%41", "p/k=v", "p/ä+&?#", "p/_x", "p/.y", "p/" + "n".repeat(200)];
      for (const path of paths) await store.put(path, text(path));
      for (const path of paths) equal(await read(store, path), path);
      deepEqual(await pathsOf(store, "p/"), paths.toSorted(compareBytewise));
    },
  },
  {
    name: "refuses paths that lead out",
    async run(store) {
      const bad = ["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a/", "nul\0", "a/.."];
      for (const path of bad) {
        await rejects(store.get(path), code("ALV_CONFIG"), `get ${path}`);
        await rejects(store.put(path, text("x")), code("ALV_CONFIG"), `put ${path}`);
        await rejects(store.putIfAbsent(path, text("x")), code("ALV_CONFIG"), `putIfAbsent ${path}`);
        await rejects(store.create(path), code("ALV_CONFIG"), `create ${path}`);
        await rejects(store.head(path), code("ALV_CONFIG"), `head ${path}`);
        await rejects(store.delete([path]), code("ALV_CONFIG"), `delete ${path}`);
        await rejects(store.sync([path]), code("ALV_CONFIG"), `sync ${path}`);
        await rejects(store.copy("a", path), code("ALV_CONFIG"), `copy to ${path}`);
        await rejects(store.copy(path, "a"), code("ALV_CONFIG"), `copy ${path}`);
        if (store.capabilities.rename)
          await rejects(store.rename("a", path), code("ALV_CONFIG"), `rename ${path}`);
      }
      for (const prefix of ["../", "/", "a/../", "a//b"])
        await rejects(pathsOf(store, prefix), code("ALV_CONFIG"), `list ${prefix}`);
    },
  },
  {
    name: "rethrows the reason of an aborted call",
    async run(store) {
      const reason = new Error("enough");
      const call = { signal: AbortSignal.abort(reason) };
      const same = (error: unknown): boolean => error === reason;
      await rejects(store.put("x", text("x"), call), same);
      await rejects(store.putIfAbsent("x", text("x"), call), same);
      await rejects(store.get("x", call), same);
      await rejects(store.head("x", call), same);
      await rejects(store.create("x", call), same);
      await rejects(store.delete(["x"], call), same);
      await rejects(store.copy("x", "y", call), same);
      await rejects(store.now(call), same);
      equal(await store.head("x"), undefined);
      await store.put("x", text("x"));
      await rejects(async () => {
        for await (const info of store.list("", call)) ok(info);
      }, same);
    },
  },
];

/**
 * The conformance suite of {@link ObjectStore}: what Alluvium relies on, for any test framework.
 *
 * @example
 * ```ts
 * storeSuite({ test, open: async () => ({ store: memoryStore(), [Symbol.asyncDispose]: async () => {} }) });
 * ```
 */
export function storeSuite(options: StoreSuiteOptions): void {
  for (const { name, run } of cases) {
    options.test(name, async () => {
      await using opened = await options.open();
      await run(opened.store);
    });
  }
}
