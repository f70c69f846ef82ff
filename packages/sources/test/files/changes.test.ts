import { expect, test } from "vitest";
import {
  accepted,
  AlluviumError,
  pipeline,
  source as sourceOf,
  type ObjectStore,
  type RunEvent,
  type RunOptions,
} from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import {
  faultStore,
  memoryDestination,
  type FaultStep,
  type MemoryDestination,
} from "@alluvium/core/testing";
import { files, type FilesTableOptions } from "@alluvium/sources/files";
import { lines } from "./lines.ts";

/* What becomes of files that change, go, or come late while they are followed. */

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Lines of a file of several pieces: `v 0` … */
const LINES = 3000;
const pad = "x".repeat(3000);
/** Of so many lines that rows are handed on before all of it is asked for. */
const VERY_LONG = 6000;
const long = (version: string, length = LINES): Uint8Array =>
  bytes(Array.from({ length }, (_, i) => `${version} ${i} ${pad}\n`).join(""));

interface Options extends Partial<FilesTableOptions> {
  readonly run?: RunOptions<"words">;
  /** Called before each call of the store. */
  readonly at?: (step: FaultStep) => Promise<void> | void;
}

async function load(
  inner: ObjectStore,
  destination: MemoryDestination,
  { run, at, ...options }: Options = {},
) {
  const events: RunEvent[] = [];
  const store = faultStore(inner, {
    async at(step) {
      await at?.(step);
      return undefined;
    },
  });
  const table = { files: "in/**", format: lines({ perBatch: 100 }), ...options } as FilesTableOptions;
  const source = files({ store, tables: { words: table } });
  let code: string | undefined;
  let message = "";
  try {
    await pipeline({ name: "p", source, destination, onEvent: (event) => events.push(event) }).run({
      retry: { attempts: 3, minDelay: 1 },
      ...run,
    });
  } catch (error) {
    if (!AlluviumError.is(error)) throw error;
    code = error.code;
    message = error.message;
  }
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  return { code, message, events, warnings };
}

const textsOf = (destination: MemoryDestination): string[] =>
  destination.store.rows("words").map((row) => String(row["text"]).replace(` ${pad}`, ""));
const numbered = (version: string, end = LINES, from = 0): string[] =>
  Array.from({ length: end - from }, (_, i) => `${version} ${from + i}`);

/** Runs `work` once, at the so many-th read of a path. */
function atRead(path: string, count: number, work: () => Promise<unknown>) {
  let reads = 0;
  return async (step: FaultStep): Promise<void> => {
    if (step.call === "get" && step.path === path && ++reads === count) await work();
  };
}

test("a file that is overwritten while it is read is read again, and nothing of the old version stays", async () => {
  const store = memoryStore();
  await store.put("in/a", bytes("first\n"));
  await store.put("in/b", long("old", VERY_LONG));
  const destination = memoryDestination();
  const { code, events } = await load(store, destination, {
    at: atRead("in/b", 5, () => store.put("in/b", long("new"))),
  });
  expect(code).toBeUndefined();
  expect(events.filter(({ type }) => type === "retry")).toHaveLength(1);
  expect(textsOf(destination)).toEqual(["first", ...numbered("new")]);
});

test("a file that goes while it is read, or before, is left out with a word", async () => {
  const store = memoryStore();
  for (const name of ["a", "b", "c"])
    await store.put(`in/${name}`, long(name, name === "b" ? VERY_LONG : LINES));
  const destination = memoryDestination();
  const gone = await load(store, destination, { at: atRead("in/b", 5, () => store.delete(["in/b"])) });
  expect(gone.code).toBeUndefined();
  expect(textsOf(destination)).toEqual([...numbered("a"), ...numbered("c")]);
  await store.put("in/d", long("d"));
  const before = await load(store, destination, { at: atRead("in/d", 1, () => store.delete(["in/d"])) });
  expect(before.code).toBeUndefined();
  expect(before.warnings).toEqual(["words: in/d was removed before it was read: it is left out"]);
  expect(textsOf(destination)).toEqual([...numbered("a"), ...numbered("c")]);
});

test("a file that is overwritten while one before it is read is opened anew, and nothing goes back", async () => {
  const store = memoryStore({ clock: () => new Date(1_700_000_000_000) });
  await store.put("in/a", long("a"));
  await store.put("in/b", long("old"));
  await store.put("in/c", long("c"));
  const destination = memoryDestination();
  const { code, events, warnings } = await load(store, destination, {
    at: atRead("in/a", 4, async () => {
      await store.put("in/b", long("new"));
      await store.delete(["in/c"]);
    }),
  });
  expect(code).toBeUndefined();
  expect(events.filter(({ type }) => type === "retry")).toEqual([]);
  expect(warnings).toEqual(["words: in/c was removed before it was read: it is left out"]);
  expect(textsOf(destination)).toEqual([...numbered("a"), ...numbered("new")]);
});

test("a version that is replaced between listing and reading is not read, the new one is, once", async () => {
  const store = memoryStore({ clock: () => new Date(1_700_000_000_000) });
  await store.put("in/a", bytes("old\n"));
  const destination = memoryDestination();
  const { code } = await load(store, destination, {
    at: atRead("in/a", 1, () => store.put("in/a", bytes("new\n"))),
  });
  expect(code).toBeUndefined();
  expect(textsOf(destination)).toEqual(["new"]);
  await load(store, destination);
  expect(textsOf(destination)).toEqual(["new"]);
});

const committing = { checkpointBytes: 1, run: { commitInterval: 0, retry: { attempts: 1 } } } as const;

/** A table of which a part of `in/b` is committed. */
async function halfLoaded() {
  const store = memoryStore();
  await store.put("in/b", long("old"));
  const destination = memoryDestination();
  const { code } = await load(store, destination, {
    ...committing,
    at: atRead("in/b", 4, () => Promise.reject(new AlluviumError("ALV_SOURCE_FAILED", "stopped"))),
  });
  expect(code).toBe("ALV_SOURCE_FAILED");
  const done = textsOf(destination);
  expect(done.length).toBeGreaterThan(100);
  expect(done.length).toBeLessThan(LINES);
  expect(done).toEqual(numbered("old", done.length));
  return { store, destination, done };
}

test("a load that stopped inside a file goes on there", async () => {
  const { store, destination } = await halfLoaded();
  // One that became visible before its place in the meantime.
  await store.put("in/a", bytes("late\n"));
  let first: number | undefined;
  const { code } = await load(store, destination, {
    ...committing,
    at: () => {
      first ??= destination.store.rows("words").length;
    },
  });
  expect(code).toBeUndefined();
  expect(textsOf(destination)).toEqual([...numbered("old"), "late"]);
});

/** Goes on with a table of which a part of `in/b` is committed, after `in/b` was overwritten. */
async function overwritten(changed: "load" | "skip" | "error" | undefined) {
  const { store, destination, done } = await halfLoaded();
  await store.put("in/b", long("new"));
  await store.put("in/c", bytes("c\n"));
  const options = { ...committing, ...(changed && { changed }) };
  const outcome = await load(store, destination, options);
  return { ...outcome, done, destination, again: () => load(store, destination, options) };
}

test.each([undefined, "error"] as const)(
  "a file that is overwritten when a part of it is committed stops the run: %s",
  async (changed) => {
    const { code, message, destination, done } = await overwritten(changed);
    expect(code).toBe("ALV_SOURCE_CHANGED");
    expect(message).toContain('changed: "load"');
    expect(message).toContain("of a folder the file itself with its time");
    expect(textsOf(destination)).toEqual(done);
  },
);

test.each(["load", "skip"] as const)(
  "a file that is overwritten when a part of it is committed, where it is said what to do: %s",
  async (changed) => {
    const { code, warnings, destination, done, again } = await overwritten(changed);
    expect(code).toBeUndefined();
    expect(warnings).toEqual([
      "words: in/b was overwritten when a part of it was loaded: the rest of that version is not",
    ]);
    const found = [...done, ...(changed === "load" ? numbered("new") : []), "c"];
    expect(textsOf(destination)).toEqual(found);
    await again();
    expect(textsOf(destination)).toEqual(found);
  },
);

test("a file that goes when a part of it is committed leaves that part, with a word", async () => {
  const { store, destination, done } = await halfLoaded();
  await store.delete(["in/b"]);
  await store.put("in/c", bytes("c\n"));
  const { code, warnings } = await load(store, destination);
  expect(code).toBeUndefined();
  expect(warnings).toEqual(["words: in/b was removed when a part of it was loaded: the rest is not"]);
  expect(textsOf(destination)).toEqual([...done, "c"]);
});

test("a half-read file is not read on with a format of other options", async () => {
  const { store, destination, done } = await halfLoaded();
  const { code } = await load(store, destination, { ...committing, format: lines({ identity: "other" }) });
  expect(code).toBe("ALV_STATE_MISMATCH");
  expect(textsOf(destination)).toEqual(done);
});

test("files that are uploaded again are new rows, left out, or an error", async () => {
  for (const changed of [undefined, "load", "skip", "error"] as const) {
    const store = memoryStore();
    await store.put("in/a", bytes("one\n"));
    const destination = memoryDestination();
    const options = changed === undefined ? {} : { changed };
    await load(store, destination, options);
    await store.put("in/a", bytes("two\n"));
    await store.put("in/b", bytes("b\n"));
    const { code } = await load(store, destination, options);
    expect(code).toBe(changed === "error" ? "ALV_SOURCE_CHANGED" : undefined);
    await load(store, destination, options);
    expect(textsOf(destination)).toEqual(
      changed === "error" ? ["one"] : changed === "skip" ? ["one", "b"] : ["one", "two", "b"],
    );
  }
});

test("with a merge by the column of the path a new version takes the place of the old one's rows", async () => {
  const store = memoryStore();
  const destination = memoryDestination();
  const options = {
    fileColumn: "_file",
    primaryKey: ["_file", "text"],
    disposition: { merge: "deleteInsert", mergeKey: "_file" },
  } as const;
  await store.put("in/a", bytes("a1\na2\na3\n"));
  await store.put("in/b", bytes("b1\n"));
  expect((await load(store, destination, options)).message).toBe("");
  await store.put("in/a", bytes("a4\n"));
  expect((await load(store, destination, options)).message).toBe("");
  expect(textsOf(destination).sort()).toEqual(["a4", "b1"]);
});

test("a file becomes visible in the second of the newest, after that was read", async () => {
  const store = memoryStore({ clock: () => new Date(1_700_000_000_000) });
  await store.put("in/b", bytes("b\n"));
  const destination = memoryDestination();
  await load(store, destination);
  await store.put("in/a", bytes("a\n"));
  await store.put("in/c", bytes("c\n"));
  await load(store, destination);
  await load(store, destination);
  expect(textsOf(destination)).toEqual(["b", "a", "c"]);
});

test("a backfill reads files of a window of time once more", async () => {
  let now = 1_700_000_000_000;
  const store = memoryStore({ clock: () => new Date(now) });
  const destination = memoryDestination();
  const options = {
    files: "in/**",
    modifiedColumn: "_at",
    schema: undefined,
    primaryKey: "text",
    disposition: "merge",
  } as const;
  for (const name of ["a", "b", "c"]) {
    await store.put(`in/${name}`, bytes(`${name}\n`));
    now += 1000;
  }
  const { schema: _, ...table } = options;
  await load(store, destination, table);
  const { events } = await load(store, destination, {
    ...table,
    run: { since: new Date(1_700_000_001_000), until: new Date(1_700_000_002_000) },
  });
  const rows = events.flatMap((event) => (event.type === "batchRead" ? [event.rows] : []));
  expect(rows).toEqual([1]);
  expect(textsOf(destination).sort()).toEqual(["a", "b", "c"]);
});

test("refused rows say where they stood, also those that the table refuses, and after steps by row", async () => {
  const store = memoryStore();
  await store.put("in/a", bytes("1 one\n2 two\n!bad\n3 three\n"));
  await store.put("in/b", bytes("4 four\n5 five\n6 six\n"));
  const format = lines({ perBatch: 2 });
  const source = files({ store, tables: { words: { files: "in/**", format, contract: "quarantine" } } });
  const positionsOf = (destination: MemoryDestination, table: string): unknown[] =>
    destination.store
      .rows(`${table}__quarantine`)
      .map((row) => JSON.parse(String(row["position"])) as unknown);
  const wanted = [
    { file: "in/a", line: 3 },
    { file: "in/a", line: 4 },
    { file: "in/b", line: 2 },
  ];
  const tooLong = accepted("text", ["one", "two", "four", "six"], { severity: "quarantine" });
  const checked = { words: { files: "in/**", format, contract: "quarantine", checks: [tooLong] } } as const;
  const plain = memoryDestination();
  await pipeline({ name: "p", source: files({ store, tables: checked }), destination: plain }).run();
  expect(positionsOf(plain, "words")).toEqual(wanted);
  expect(plain.store.rows("words").map((row) => row["text"])).toEqual(["one", "two", "four", "six"]);
  const stepped = memoryDestination();
  const some = source.resources.words
    .filter((row) => row["text"] !== "one")
    .map((row) => ({ id: row["id"], text: row["text"] }))
    .as("some", { checks: [tooLong] });
  const own = sourceOf("own", () => [some]);
  await pipeline({ name: "p", source: own(), destination: stepped }).run();
  expect(positionsOf(stepped, "some")).toEqual(wanted);
});

test("rows that could not be read are taken once more from the quarantine", async () => {
  const store = memoryStore();
  await store.put("in/a", bytes("one\n!bad\n"));
  const table = { files: "in/**", format: lines(), fileColumn: "_file", contract: "quarantine" } as const;
  const source = files({ store, tables: { words: table } });
  const shared = sourceOf("own", () => [source.resources.words.as("words")]);
  for (const from of [source, shared()]) {
    const destination = memoryDestination();
    const loads = pipeline({ name: "p", source: from as typeof source, destination });
    await loads.run();
    expect(await loads.quarantine({ resource: "words" })).toMatchObject([
      { stage: "read", row: "!bad", position: { file: "in/a", line: 2 } },
    ]);
    const report = await loads.replay({ resource: "words", fix: () => ({ text: "good" }) });
    expect(report.replayed).toBe(1);
    const rows = destination.store.rows("words").map((row) => [row["text"], row["_file"]]);
    expect(rows).toEqual([
      ["one", "in/a"],
      ["good", "in/a"],
    ]);
    expect(await loads.quarantine({ resource: "words" })).toEqual([]);
  }
});
