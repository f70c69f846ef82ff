import { memoryStore } from "@alluvium/core/storage/memory";
import { destinationSuite, suiteDestination } from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { csv, files, jsonLines, parquet, type FilesFormat } from "../../src/files/index.ts";
import { folderRows } from "../parquet/folder-rows.ts";
import { duckRows } from "./text-rows.ts";

const formats: readonly (readonly [string, FilesFormat])[] = [
  ["CSV", csv()],
  ["CSV, zstd", csv({ delimiter: "|", compression: "zstd" })],
  ["JSON lines", jsonLines()],
  ["JSON lines, gzip", jsonLines({ compression: "gzip" })],
  ["Parquet", parquet()],
];

describe.each(formats)("files destination of %s", (name, format) => {
  const cases: [name: string, run: () => Promise<void>][] = [];
  destinationSuite({
    test: (title, run) => cases.push([title, run]),
    capabilities: files({ format }).capabilities,
    open: async () => {
      const store = memoryStore();
      const read = name === "Parquet" ? folderRows : duckRows;
      return suiteDestination(files({ store, format }), (table) => read(store, table));
    },
  });
  test.for(cases)("%s", async ([, run]) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
