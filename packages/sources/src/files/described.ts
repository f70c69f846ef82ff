import {
  AlluviumError,
  checksOf,
  dispositionOf,
  joinContracts,
  keyOf,
  layoutOf,
  type ColumnHints,
  type DispositionOption,
  type Field,
  type ObjectStore,
  type Schema,
  type SourceContext,
  type TableDescription,
  type TableOptions,
} from "@alluvium/core";
import { fieldOfHint, schemaOf } from "@alluvium/core/schema";
import { contentHash } from "@alluvium/core/state";
import type { FileFormat } from "./format.ts";
import { formatByExtension } from "./formats.ts";
import type { Selection } from "./listing/list.ts";
import { patternOf } from "./listing/pattern.ts";
import { millisecondsOf, type CheckedOptions, type FilesTableOptions } from "./options.ts";

/** A table as it is read. */
export interface DescribedTable {
  readonly name: string;
  readonly description: TableDescription;
  readonly store: ObjectStore;
  readonly selection: Selection;
  readonly globs: readonly string[];
  readonly format: FileFormat;
  /** What a position inside a file depends on, by hash. */
  readonly formatHash: string;
  /** Columns of the files whose types are known. */
  readonly schema: Schema;
  readonly hints: ColumnHints | undefined;
  /** Columns that are made from the path and time of files. */
  readonly path: PathColumns;
  /** Whether values that their columns do not hold are left out, and their rows are not. */
  readonly leavesOut: boolean;
  readonly windowMs: number;
  readonly minAgeMs: number;
  readonly changed: "load" | "skip" | "error" | undefined;
  readonly checkpointBytes: number;
}

/** Columns that files do not hold. */
export interface PathColumns {
  readonly file: string | undefined;
  readonly modified: string | undefined;
  readonly partitions: boolean;
  /** Types of columns, for those of partitions. */
  readonly known: ReadonlyMap<string, Field>;
}

const CHECKPOINT_BYTES = 64 * 1024 * 1024;

/** What the options say of a table. Throws `ALV_CONFIG` for what cannot be. */
export function describeTable(
  name: string,
  table: FilesTableOptions,
  options: CheckedOptions,
  store: ObjectStore,
  { contract, contracts }: Pick<SourceContext, "contract" | "contracts">,
): DescribedTable {
  const globs = listOf(table.files);
  const exclude = listOf(table.exclude ?? options.exclude ?? []);
  const hints = table.columns as ColumnHints | undefined;
  const fields = new Map<string, Field>();
  for (const field of (table.schema && schemaOf(table.schema))?.fields ?? []) fields.set(field.name, field);
  for (const [column, hint] of Object.entries(hints ?? {}))
    fields.set(column, fieldOfHint(column, hint, fields.get(column)));
  const { fileColumn: file, modifiedColumn: modified, partitions = false } = table;
  if (file !== undefined && file === modified)
    throw optionError(name, `fileColumn and modifiedColumn are both "${file}"`);
  const path: PathColumns = { file, modified, partitions, known: new Map(fields) };
  if (file !== undefined) fields.set(file, fileField(file));
  if (modified !== undefined) fields.set(modified, modifiedField(modified));
  const schema = { fields: [...fields.values()] };

  const { disposition, merge } = dispositionOf(
    name,
    (table.disposition ?? "append") as DispositionOption<unknown>,
  );
  const primaryKey = keyOf(name, table.primaryKey);
  if (disposition.kind === "merge" && primaryKey.length === 0)
    throw optionError(name, "a merge needs a primaryKey");
  const { partitionBy = [], ...layout } = layoutOf(name, table as TableOptions<Record<string, unknown>>);
  const whole = layoutOf(name, options.contract === undefined ? {} : { contract: options.contract });
  const checks = checksOf(name, table.checks);
  const description: TableDescription = {
    name,
    schema,
    open: true,
    primaryKey,
    disposition,
    partitionBy,
    merge,
    ...(modified !== undefined && { cursorColumn: modified }),
    naming: layout.naming,
    nesting: layout.nesting,
    contract: joinContracts(layout.contract, whole.contract),
    quarantine: layout.quarantine,
    checks,
    ...(table.as !== undefined && { table: table.as }),
  };
  const format = table.format ?? formatByExtension(name, globs);
  return {
    name,
    description,
    store,
    globs,
    selection: {
      patterns: globs.map((glob) => patternFor(name, glob)),
      exclude: exclude.map((glob) => patternFor(name, glob)),
      hidden: table.hidden ?? options.hidden ?? false,
    },
    format,
    formatHash: contentHash({ name: format.name, identity: format.identity ?? null }).slice(0, 16),
    schema: { fields: schema.fields.filter((field) => field.name !== file && field.name !== modified) },
    hints,
    path,
    leavesOut: (contracts?.get(name) ?? [undefined]).every(
      (own) => joinContracts(contract, own, description.contract).types === "discardValue",
    ),
    windowMs: millisecondsOf(table.window ?? options.window ?? { hours: 24 }),
    minAgeMs: millisecondsOf(table.minAge ?? options.minAge ?? {}),
    changed: table.changed ?? options.changed,
    checkpointBytes: table.checkpointBytes ?? options.checkpointBytes ?? CHECKPOINT_BYTES,
  };
}

/** The column of a file's path. Null in rows that come from a quarantine without their place. */
export function fileField(name: string): Field {
  return { name, type: { kind: "string" }, nullable: true };
}

/** The column of the time when a file was last written. Null in rows that come from a quarantine, whose files are not looked at again. */
export function modifiedField(name: string): Field {
  return { name, type: { kind: "timestamp", zone: "utc" }, nullable: true };
}

function listOf(globs: string | readonly string[]): readonly string[] {
  return typeof globs === "string" ? [globs] : globs;
}

function patternFor(table: string, glob: string): ReturnType<typeof patternOf> {
  const problem =
    glob.startsWith("/") || glob.startsWith("./")
      ? "globs begin at the place, without / or ./"
      : /(^|\/)\.\.?(\/|$)/.test(glob)
        ? "globs do not lead out of the place"
        : undefined;
  if (problem !== undefined) throw optionError(table, `${JSON.stringify(glob)}: ${problem}`);
  return patternOf(glob);
}

function optionError(table: string, why: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `files: ${table}: ${why}`, { resource: table, step: "open" });
}
