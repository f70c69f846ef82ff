import { AlluviumError, type ObjectStore, type Schema } from "@alluvium/core";
import { scalarReader, takeBatch, type Batch } from "@alluvium/core/columns";
import type { AddFile, ChangeFile } from "../log/actions.ts";
import { commitPath, listCommits } from "../log/commit.ts";
import { checkReadable } from "../log/protocol.ts";
import type { LogEntry } from "../log/segment.ts";
import type { TableState } from "../log/state.ts";
import { columnsOf, mappingMode, type Column } from "../read/columns.ts";
import { readFileRows, type FileReading } from "../read/file-rows.ts";
import { recordCount } from "../read/pruning.ts";
import { footerRows } from "../read/snapshot.ts";
import { changedRows, readCommitFiles, type ChangedFile } from "./commit-files.ts";
import type { ChangeBatch, ChangeKind, ChangesOptions } from "./options.ts";
import { pairedRows } from "./pair-rows.ts";

const BUDGET = 96 << 20;
/** Column of files of changes that says what happened. */
const KIND = "_change_type";
const kinds: Readonly<Record<string, ChangeKind>> = {
  insert: "insert",
  delete: "delete",
  update_preimage: "updateBefore",
  update_postimage: "updateAfter",
};

/**
 * What versions did to the rows of a table, version by version, within one first what went and then what came. Memory holds the file
 * names of one commit.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-change-data-feed
 */
export async function* readChanges(
  store: ObjectStore,
  directory: string,
  state: TableState,
  options: ChangesOptions,
): AsyncGenerator<ChangeBatch> {
  const { from, key, budget = BUDGET, signal } = options;
  const to = state.version;
  if (!Number.isSafeInteger(from) || from < 0)
    throw new AlluviumError("ALV_CONFIG", `changes: from is ${from}; give a version from 0 on`);
  if (from > to) throw new AlluviumError("ALV_CONFIG", `changes: from is ${from}, after version ${to}`);
  checkReadable(state.protocol, state.metadata, `the table in "${directory}"`);
  const columns = columnsOf(state);
  const wanted = options.columns?.map((name) => columnNamed(columns, name)) ?? columns;
  const keys = key?.map((name) => columnNamed(columns, name)) ?? [];
  const compared = [...wanted, ...keys.filter((column) => !wanted.includes(column))];
  const reading = readingOf(store, directory, state, compared, signal);
  const schema = schemaOf(wanted);
  const give = ({ length, columns: vectors }: Batch): Batch => ({
    schema,
    length,
    columns: vectors.slice(0, wanted.length),
  });
  for await (const entry of commitsBetween(store, directory, from, to, signal)) {
    const { version } = entry;
    const partitioned = state.metadata.partitionColumns.length > 0;
    const { timestamp, changes, files } = await readCommitFiles(store, entry, partitioned, signal);
    if (changes.length > 0) {
      for (const file of changes)
        for await (const { kind, batch } of changeFileRows(file, reading))
          yield { version, timestamp, kind, batch: give(batch) };
      continue;
    }
    const side = async function* (which: "before" | "after"): AsyncGenerator<Batch> {
      for (const file of files) yield* changedRows(file, which, reading);
    };
    const both = files.some(({ before }) => before) && files.some(({ after }) => after);
    if (keys.length > 0 && both) {
      const rows = await mostRows(files, reading);
      const names = compared.map(({ name }) => name);
      const sides = { before: () => side("before"), after: () => side("after"), rows };
      const pairs = pairedRows(sides, { key: keys.map(({ name }) => name), columns: names, budget });
      for await (const { kind, batch } of pairs) yield { version, timestamp, kind, batch: give(batch) };
      continue;
    }
    for await (const batch of side("before"))
      yield { version, timestamp, kind: "delete", batch: give(batch) };
    for await (const batch of side("after")) yield { version, timestamp, kind: "insert", batch: give(batch) };
  }
}

function columnNamed(columns: readonly Column[], name: string): Column {
  const column = columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  throw new AlluviumError(
    "ALV_CONFIG",
    `changes: the table has no column "${name}"; it has ${columns.map((candidate) => candidate.name).join(", ")}`,
  );
}

function schemaOf(columns: readonly Column[]): Schema {
  return { fields: columns.map(({ name, type, field }) => ({ name, type, nullable: field.nullable })) };
}

function readingOf(
  store: ObjectStore,
  directory: string,
  state: TableState,
  columns: readonly Column[],
  signal: AbortSignal | undefined,
): FileReading {
  return {
    store,
    directory,
    mode: mappingMode(state),
    columns,
    schema: schemaOf(columns),
    ...(signal && { signal }),
  };
}

async function* commitsBetween(
  store: ObjectStore,
  directory: string,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogEntry> {
  let next = from;
  for await (const entry of listCommits(store, directory, from - 1, signal)) {
    if (entry.version > to) break;
    if (entry.version !== next) break;
    yield entry;
    next += 1;
  }
  if (next <= to)
    throw new AlluviumError(
      "ALV_NOT_FOUND",
      `${commitPath(directory, next)} is gone, so that the changes of version ${next} cannot be told (the log was cleaned up). Begin with a newer version.`,
    );
}

/** Rows of a file of changes, by what happened to them. */
async function* changeFileRows(
  { path, partitionValues, size }: ChangeFile,
  reading: FileReading,
): AsyncGenerator<{ readonly kind: ChangeKind; readonly batch: Batch }> {
  const add: AddFile = { path, partitionValues, size, modificationTime: 0, dataChange: true };
  const field = { name: KIND, type: "string", nullable: true, metadata: {} };
  const type = { kind: "string" } as const;
  const own: Column = { name: KIND, physical: KIND, type, deltaType: "string", field, partition: false };
  const columns = [...reading.columns, own];
  for await (const { batch } of readFileRows(add, { ...reading, columns, schema: schemaOf(columns) })) {
    const read = scalarReader(batch.columns.at(-1)!);
    const rows = new Map<ChangeKind, number[]>();
    for (let row = 0; row < batch.length; row++) {
      const kind = kinds[read(row) as string];
      if (kind === undefined)
        throw new AlluviumError(
          "ALV_FILE_INVALID",
          `${path} holds a change of type ${String(read(row))}, which is none`,
        );
      const chosen = rows.get(kind);
      if (chosen === undefined) rows.set(kind, [row]);
      else chosen.push(row);
    }
    for (const [kind, chosen] of rows) yield { kind, batch: takeBatch(batch, Int32Array.from(chosen)) };
  }
}

/** At most how many rows went. */
async function mostRows(
  files: readonly ChangedFile[],
  { store, directory, signal }: FileReading,
): Promise<number> {
  let sum = 0;
  for (const { before } of files)
    if (before !== undefined)
      sum += recordCount(before) ?? (await footerRows(store, directory, before, signal));
  return sum;
}
