import type { Capabilities } from "@alluvium/core";
import type { FolderKind } from "../../folders/kind.ts";
import { describeTable, inspectTable } from "../description.ts";
import { codecEndings, type Codec } from "./codec.ts";
import type { TextFormat } from "./format.ts";
import { openTextFile } from "./open-file.ts";
import { textFileReader } from "./read-file.ts";

/** What a folder of text files can do. */
export const textCapabilities: Capabilities = {
  abilities: ["append", "replace"],
  delivery: "exactlyOnce",
  // Files become visible one by one.
  visibility: "file",
  // Readers such as DuckDB and Spark do not tell them apart.
  foldsCase: true,
  partitions: true,
  releasesBatches: true,
  // Text has a form for each, and the table's description says which it is.
  storedType: (type) => type,
};

/** Folders of text files of one format. */
export function textKind(format: TextFormat, targetFileBytes: number): FolderKind {
  const own = codecEndings[format.codec];
  // Whatever a folder holds compressed in another way belongs to the table as well.
  const others = (["none", "gzip", "zstd"] as const satisfies readonly Codec[])
    .map((codec) => codecEndings[codec])
    .filter((ending) => ending !== own);
  const endings = [own, ...others].map((ending) => `.${format.name}${ending}`) as [string, ...string[]];
  return {
    name: "files",
    title: format.title,
    capabilities: textCapabilities,
    endings,
    files: { targetFileBytes, openFile: (options) => openTextFile(format, options) },
    read: textFileReader(format),
    inspect: (directory, context) => inspectTable(format, endings, directory, context),
    describe: (change, context) => describeTable(format, change, context),
  };
}
