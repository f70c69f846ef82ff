import type { ObjectStore } from "@alluvium/core";
import { parquetReadObjects } from "hyparquet";
import { deltaFormat } from "../../src/delta/format.ts";
import { deltaTable } from "../../src/delta/table.ts";
import { rewriteWith } from "../../src/lake/files/rewrite.ts";
import { openTableWriter } from "../../src/lake/files/table-writer.ts";
import { csvFormat } from "../../src/files/csv/csv.ts";
import { jsonLinesFormat } from "../../src/files/json-lines/json-lines.ts";
import type { TextFormat } from "../../src/files/text/format.ts";
import { textKind } from "../../src/files/text/kind.ts";
import { isDataFile } from "../../src/folders/list.ts";
import { folderParts } from "../../src/folders/open.ts";
import { parquetEndings } from "../../src/parquet/folder.ts";
import { parquetKind } from "../../src/parquet/kind.ts";
import type { Row } from "./json-writer.ts";
import type { LakeUnderTest } from "./lakes.ts";

/** Small files compress badly; what is proved here does not depend on how. */
const files = { compression: "none" } as const;

/** The protocol with Delta tables. */
export const deltaLake: LakeUnderTest = {
  name: "Delta tables",
  parts: {
    format: deltaFormat,
    openWriter: (options) => openTableWriter(options, files),
    rewrite: rewriteWith(files),
  },
  async read(store, table) {
    const rows: Row[] = [];
    const format = await deltaFormat.inspect(table, { store, signal: new AbortController().signal });
    if (format === undefined) return rows;
    const snapshot = await deltaTable({ store, path: table }).snapshot();
    for await (const { path } of snapshot.files())
      rows.push(...(await readRows(store, `${table}/${path.split("/").at(-1)!}`)));
    return rows;
  },
};

/** The protocol with folders of Parquet files. */
export const folderLake: LakeUnderTest = {
  name: "Parquet folders",
  parts: folderParts(parquetKind(files)),
  async read(store, table) {
    const rows: Row[] = [];
    for await (const { path } of store.list(`${table}/`))
      if (isDataFile(path.slice(table.length + 1), parquetEndings))
        rows.push(...(await readRows(store, path)));
    return rows;
  },
};

/** The protocol with folders of CSV files. */
export const csvLake: LakeUnderTest = textLake(
  "CSV folders",
  csvFormat("none", { delimiter: ",", null: "" }),
);

/** The protocol with folders of JSON lines. */
export const jsonLinesLake: LakeUnderTest = textLake("folders of JSON lines", jsonLinesFormat("none"));

function textLake(name: string, format: TextFormat): LakeUnderTest {
  const kind = textKind(format, 128 * 1024 * 1024);
  return {
    name,
    parts: folderParts(kind),
    async read(store, table) {
      const rows: Row[] = [];
      for await (const { path } of store.list(`${table}/`)) {
        if (!isDataFile(path.slice(table.length + 1), kind.endings)) continue;
        const [first, ...lines] = new TextDecoder()
          .decode(await store.get(path))
          .trimEnd()
          .split("\n");
        if (format.name === "jsonl")
          rows.push(...[first!, ...lines].filter(Boolean).map((line) => JSON.parse(line) as Row));
        else {
          const names = first!.split(",");
          for (const line of lines)
            rows.push(Object.fromEntries(line.split(",").map((cell, i) => [names[i]!, cell])));
        }
      }
      return rows;
    },
  };
}

/** A lake on a disk that cannot rename. */
export function onBucket(lake: LakeUnderTest): LakeUnderTest {
  return { ...lake, name: `${lake.name} where files are copied to their names`, copies: true };
}

/** The rows of a Parquet file, as another library reads them. */
async function readRows(store: ObjectStore, path: string): Promise<readonly Row[]> {
  const { buffer } = new Uint8Array(await store.get(path));
  return parquetReadObjects({ file: buffer });
}
