import { openParquet } from "@alluvium/core/parquet";
import type { FolderKind } from "../folders/kind.ts";
import { columnStatistics } from "../lake/files/bounds.ts";
import { footerLeaves } from "../lake/files/footer-statistics.ts";
import { objectSource } from "../lake/files/object-source.ts";
import { readDataFile } from "../lake/files/read.ts";
import type { FileOptions } from "../lake/files/table-writer.ts";
import { inspectFolder, parquetEndings } from "./folder.ts";
import { folderFooter, footerKeys } from "./footer.ts";
import { folderCapabilities } from "./types.ts";

/** Folders of Parquet files: the footer of each file says what is known of its table. */
export function parquetKind(options: Omit<FileOptions, "footer">): FolderKind {
  return {
    name: "parquet",
    title: "Parquet",
    capabilities: folderCapabilities,
    endings: parquetEndings,
    files: { ...options, footer: folderFooter },
    read: readDataFile,
    inspect: inspectFolder,
    async coverage(window, directory, { path: name, size, partition }, { store, signal }) {
      const path = `${directory}/${name}`;
      const parquet = await openParquet(objectSource(store, path, size, signal), { name: path });
      const { rows } = parquet.metadata;
      const columns = columnStatistics(footerLeaves(parquet), parquet.schema, rows);
      return window.coverage({ rows, partition, columns });
    },
    keys: ({ tableId }, { pipeline, lane, incarnation }) => ({
      [footerKeys.pipeline]: pipeline,
      [footerKeys.lane]: lane,
      [footerKeys.incarnation]: incarnation,
      [footerKeys.table]: tableId,
    }),
  };
}
