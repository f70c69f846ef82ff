import type { Capabilities } from "@alluvium/core";
import type { ApplyContext, LakeFormat, LoadIdentity, TableChange } from "../lake/contract.ts";
import type { FileOptions } from "../lake/files/table-writer.ts";
import type { ReadFile } from "../lake/files/read.ts";
import type { Coverage, Window } from "../lake/files/window.ts";
import type { FolderFile } from "./list.ts";

/** What the folders of a destination hold: what its files are called, how they are made and read, and where a table's columns are kept. */
export interface FolderKind {
  /** Name of the destination: `parquet`. */
  readonly name: string;
  /** For messages: `Parquet`. */
  readonly title: string;
  readonly capabilities: Capabilities;
  /** Endings of data files; the first one is that of new files. */
  readonly endings: readonly [string, ...string[]];
  /** How new files are written. */
  readonly files: FileOptions;
  readonly read: ReadFile;
  /** What is known of a table. */
  readonly inspect: LakeFormat["inspect"];
  /** What a file itself says of whether its rows are in a window. @default nothing */
  readonly coverage?: (
    window: Window,
    directory: string,
    file: FolderFile,
    context: ApplyContext,
  ) => Promise<Coverage>;
  /** Keeps what `inspect` has to find, before a load's files are part of the table. @default nothing: the files say it themselves */
  readonly describe?: (change: TableChange, context: ApplyContext) => Promise<void>;
  /** Goes into the footers of files that `prepare` writes. @default nothing */
  readonly keys?: (change: TableChange, load: LoadIdentity) => Readonly<Record<string, string>>;
}
