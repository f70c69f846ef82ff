import { expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import { sourceContext } from "@alluvium/core/testing";
import { avro, binaries, files, parquet } from "@alluvium/sources/files";

/* What is said of options that cannot be: the option, its value, what is accepted. */

/** What opening a source with these options, beside others that are right, is refused for. */
async function problemOf(table: object, options: object = {}): Promise<string> {
  const given = { store: memoryStore(), tables: { t: { files: "*.csv", ...table } }, ...options };
  const error: unknown = await files(given as Parameters<typeof files>[0])
    .open(sourceContext())
    .then(
      () => undefined,
      (failure: unknown) => failure,
    );
  expect(error).toMatchObject({ code: "ALV_CONFIG" });
  return (error as Error).message;
}

const globs = "must be a glob, or a list of globs";
const span = "must be an object of days, hours, minutes, seconds and milliseconds, each a number from 0 on";
const type = 'must be a type, such as { type: "int64" }';
test.each<[object, string]>([
  [{ files: [] }, `files: tables.t.files is []: ${globs}`],
  [{ files: "" }, `files: tables.t.files is "": ${globs}`],
  [{ exclude: [""] }, `files: tables.t.exclude is [ '' ]: ${globs}`],
  [{ primaryKey: [] }, "files: tables.t.primaryKey is []: must be a column, or a list of columns"],
  [{ fromat: 1 }, "files: tables.t: there is no option fromat"],
  [{ window: {} }, "files: tables.t.window is {}: must be longer than 0"],
  [{ window: { hours: 0 } }, "files: tables.t.window is { hours: 0 }: must be longer than 0"],
  [{ window: { hour: 1 } }, "files: tables.t.window: there is no option hour"],
  [{ window: { hours: -1 } }, `files: tables.t.window.hours is -1: ${span}`],
  [{ minAge: 5 }, `files: tables.t.minAge is 5: ${span}`],
  [{ hidden: "yes" }, 'files: tables.t.hidden is "yes": must be true or false'],
  [{ changed: "reload" }, 'files: tables.t.changed is "reload": must be "load", "skip" or "error"'],
  [{ checkpointBytes: 0 }, "files: tables.t.checkpointBytes is 0: must be a whole number of bytes"],
  [{ checkpointBytes: 1.5 }, "files: tables.t.checkpointBytes is 1.5: must be a whole number of bytes"],
  [{ fileColumn: "" }, 'files: tables.t.fileColumn is "": must be a name'],
  [{ columns: { id: "int64" } }, `files: tables.t.columns.id is "int64": ${type}`],
  [{ columns: { id: {} } }, `files: tables.t.columns.id is {}: ${type}`],
  [{ columns: ["id"] }, "tables.t.columns is [ 'id' ]: must be an object of the columns"],
])("%o", async (table, problem) => {
  expect(await problemOf(table)).toContain(problem);
});

test("of the source", async () => {
  const place = { store: undefined, url: "" };
  expect(await problemOf({}, place)).toContain('files: url is "": must be the path of a folder');
  expect(await problemOf({}, { tables: 1 })).toContain("files: tables is 1: must be an object of tables");
  expect(await problemOf({}, { tables: { t: 1 } })).toContain("files: tables.t is 1: must be an object");
});

test("of formats, when they are made", () => {
  const make = [
    [() => parquet({ nanosecond: "floor" } as object), "parquet: there is no option nanosecond; there are"],
    [() => parquet({ columns: 1 } as object), "parquet: columns must be a list of names, not 1"],
    [() => parquet(null!), "parquet: the options must be an object of columns, nanoseconds, not null"],
    [() => avro({ nanos: 1 } as object), "avro: there is no option nanos; there are nanoseconds"],
    [
      () => binaries({ byte: true } as object),
      "binaries: there is no option byte; there are bytes, checksum",
    ],
    [() => binaries({ bytes: 1 } as object), "binaries: bytes must be true or false, not 1"],
    [() => binaries({ maxBytes: "1" } as object), 'binaries: maxBytes is "1"; it must be a whole number'],
  ] as const;
  for (const [made, problem] of make) expect(made).toThrow(problem);
});
