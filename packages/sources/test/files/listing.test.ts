import { expect, test } from "vitest";
import type { ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { listMatching } from "../../src/files/listing/list.ts";
import { partitionsOf } from "../../src/files/listing/partitions.ts";
import { patternOf } from "../../src/files/listing/pattern.ts";

const signal = new AbortController().signal;

interface Options {
  readonly exclude?: readonly string[];
  readonly hidden?: boolean;
  readonly startAfter?: string;
}

/** What globs find among paths, and what the store was asked for. */
async function find(paths: readonly string[], globs: readonly string[], options: Options = {}) {
  const inner = memoryStore();
  for (const path of paths) await inner.put(path, new Uint8Array(1));
  const asked: string[] = [];
  const store: ObjectStore = {
    ...inner,
    list(prefix, call) {
      asked.push(call?.startAfter === undefined ? prefix : `${prefix} after ${call.startAfter}`);
      return inner.list(prefix, call);
    },
  };
  const { exclude = [], hidden = false, startAfter } = options;
  const selection = { patterns: globs.map(patternOf), exclude: exclude.map(patternOf), hidden };
  const found = await Array.fromAsync(
    listMatching(store, selection, { startAfter, signal }),
    ({ path }) => path,
  );
  return { found, asked };
}

const paths = [
  "a/1.csv",
  "a/2.csv.gz",
  "a/b/3.csv",
  "a/b/c/4.csv",
  "a.csv",
  "ab/5.csv",
  "b/6.json",
  "é/7.csv",
];

test.each([
  ["a/*.csv", ["a/1.csv"], ["a/"]],
  ["a/**/*.csv", ["a/1.csv", "a/b/3.csv", "a/b/c/4.csv"], ["a/"]],
  ["**/*.csv", ["a.csv", "a/1.csv", "a/b/3.csv", "a/b/c/4.csv", "ab/5.csv", "é/7.csv"], [""]],
  ["a/b/3.csv", ["a/b/3.csv"], ["a/b/3.csv"]],
  ["a/{1,2}.csv*", ["a/1.csv", "a/2.csv.gz"], ["a/"]],
  ["a?/[0-9].csv", ["ab/5.csv"], ["a"]],
  ["é/*", ["é/7.csv"], ["é/"]],
  ["*", ["a.csv"], [""]],
  ["nothing/*", [], ["nothing/"]],
])("%s", async (glob, found, asked) => {
  expect(await find(paths, [glob])).toEqual({ found, asked });
});

test("several globs list each place once, in the order of bytes", async () => {
  const { found, asked } = await find(paths, ["b/*", "a/b/**", "a/*.csv", "a/**/*.csv", "é/*"]);
  expect(asked).toEqual(["a/", "b/", "é/"]);
  expect(found).toEqual(["a/1.csv", "a/b/3.csv", "a/b/c/4.csv", "b/6.json", "é/7.csv"]);
});

test("what is excluded or hidden is left out", async () => {
  const all = [
    "d/_x.csv",
    "d/.y.csv",
    "d/z.csv",
    "d/_tmp/1.csv",
    "d/_day=1/2.csv",
    "d/.git/3.csv",
    "_e/4.csv",
  ];
  expect((await find(all, ["d/**"])).found).toEqual(["d/_day=1/2.csv", "d/z.csv"]);
  expect((await find(all, ["d/**"], { hidden: true })).found).toHaveLength(6);
  expect((await find(all, ["d/**"], { exclude: ["**/z.*"] })).found).toEqual(["d/_day=1/2.csv"]);
  // What the glob spells out is not hidden.
  expect((await find(all, ["_e/*"])).found).toEqual(["_e/4.csv"]);
  expect((await find(all, ["d/_x.csv"])).found).toEqual(["d/_x.csv"]);
  expect((await find(all, ["d/_*.csv"])).found).toEqual(["d/_x.csv"]);
  expect((await find(all, ["**"])).found).toEqual(["d/_day=1/2.csv", "d/z.csv"]);
});

test.each([
  ["*/_x.csv", ["d/_x.csv"]],
  ["{_e,d}/*.csv", ["_e/4.csv", "d/z.csv"]],
  ["**/_tmp/*", ["d/_tmp/1.csv"]],
  ["d/{z,_x,.y}.csv", ["d/.y.csv", "d/_x.csv", "d/z.csv"]],
  ["?e/*", []],
  ["[!a]e/*", []],
  ["*/[._]*.csv", ["d/.y.csv", "d/_x.csv"]],
  ["**/.git/_*", []],
])("what a glob spells out anywhere is not hidden: %s", async (glob, found) => {
  const all = ["d/_x.csv", "d/.y.csv", "d/z.csv", "d/_tmp/1.csv", "d/.git/3.csv", "_e/4.csv"];
  expect((await find(all, [glob])).found).toEqual(found);
});

test("line feeds are characters of names as others are", async () => {
  const all = ["a\nb.csv", "d\n/c.csv"];
  expect((await find(all, ["**"])).found).toEqual(all);
  expect((await find(all, ["**/*.csv"])).found).toEqual(all);
  expect((await find(all, ["a*"])).found).toEqual(["a\nb.csv"]);
});

test("a listing goes on after any path", async () => {
  const globs = ["a/*.csv", "ab/**", "é/*", "b/*"];
  const { found } = await find(paths, globs);
  for (const startAfter of [...paths, "a/", "a/0", "a0", "zz", ""]) {
    const expected = found.filter((path) => Buffer.compare(Buffer.from(path), Buffer.from(startAfter)) > 0);
    expect((await find(paths, globs, { startAfter })).found, `after ${startAfter}`).toEqual(expected);
  }
  expect((await find(paths, globs, { startAfter: "ab/5.csv" })).asked).toEqual([
    "ab/ after ab/5.csv",
    "b/",
    "é/",
  ]);
});

test("partitions in paths", () => {
  expect([
    ...partitionsOf("t/day=2024-01-01/city=Z%C3%BCrich%2FS/x=y=z/p=__HIVE_DEFAULT_PARTITION__/50%=1/a=b.csv"),
  ]).toEqual([
    ["day", "2024-01-01"],
    ["city", "Zürich/S"],
    ["x", "y=z"],
    ["p", null],
    ["50%", "1"],
  ]);
});
