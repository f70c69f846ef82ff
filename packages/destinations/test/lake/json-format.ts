import { AlluviumError, type Json, type ObjectStore } from "@alluvium/core";
import { createAppender } from "@alluvium/core/columns";
import { decodeSchema, encodeSchema } from "@alluvium/core/state";
import type {
  ApplyContext,
  DataFile,
  KnownPipeline,
  LakeFormat,
  TableChange,
  TextCondition,
} from "../../src/lake/contract.ts";
import { decodeRows, encodeRows, type Row } from "./json-writer.ts";

/** A commit of the log: as little as the protocol needs. */
interface Commit {
  readonly tableId: string;
  readonly schema: Json;
  readonly by: KnownPipeline;
  readonly loadId: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** A format with a log of JSON commits, to test the protocol without any real format. */
export const jsonFormat: LakeFormat = {
  name: "json",
  capabilities: {
    abilities: ["append", "replace"],
    delivery: "exactlyOnce",
    visibility: "table",
    foldsCase: true,
    partitions: false,
    storedType: (type) => type,
  },
  async inspect(directory, { store }) {
    const log = await readLog(store, directory);
    const last = log.at(-1);
    if (last === undefined) return undefined;
    return {
      id: last.tableId,
      schema: decodeSchema(last.schema),
      partitionBy: [],
      version: log.length - 1,
      pipelines: log.map(({ by }) => by),
    };
  },
  async *scan(directory, { store, columns }) {
    const log = await readLog(store, directory);
    if (log.length === 0) throw new AlluviumError("ALV_TABLE_NOT_FOUND", `there is no table in ${directory}`);
    const appender = createAppender();
    for (const row of await readJsonTable(store, directory))
      appender.append(
        columns === undefined ? row : Object.fromEntries(columns.map((name) => [name, row[name]])),
      );
    yield appender.finish();
  },
  place: (id) => ({ staged: `${id}.rows`, final: `${id}.rows` }),
  async apply(change, context) {
    const { store, load } = context;
    for (;;) {
      const log = await readLog(store, change.directory);
      const done = log.findIndex(
        ({ by }) =>
          by.pipeline === load.pipeline &&
          by.lane === load.lane &&
          by.incarnation === load.incarnation &&
          by.sequence! >= load.sequence,
      );
      if (done >= 0) return { version: done, already: true };
      if (log.length === 0 && !change.create)
        throw new AlluviumError("ALV_TABLE_NOT_FOUND", `there is no table ${change.table}`);
      if (log.length > 0 && log[0]!.tableId !== change.tableId)
        throw new AlluviumError("ALV_TABLE_REPLACED", `table ${change.table} has another id`);
      const { pipeline, lane, incarnation, sequence, loadId } = load;
      const commit: Commit = {
        tableId: change.tableId,
        schema: encodeSchema(change.schema),
        by: { pipeline, lane, incarnation, sequence },
        loadId,
        ...(await filesOf(change, context, live(log))),
      };
      const path = `${change.directory}/_log/${String(log.length).padStart(20, "0")}.json`;
      if (await store.putIfAbsent(path, encodeRows([commit as unknown as Row])))
        return { version: log.length, already: false };
    }
  },
};

/** All rows that a reader sees. */
export async function readJsonTable(store: ObjectStore, directory: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const path of live(await readLog(store, directory)))
    rows.push(...decodeRows(await store.get(`${directory}/${path}`)));
  return rows;
}

async function filesOf(
  change: TableChange,
  { store, load }: ApplyContext,
  current: readonly string[],
): Promise<Pick<Commit, "add" | "remove">> {
  const add = change.files.map(({ staged }: DataFile) => staged);
  if (change.operation.kind === "append") return { add, remove: [] };
  if (change.operation.kind !== "replaceWhere") return { add, remove: current };
  const { where } = change.operation;
  for (const [index, path] of current.entries()) {
    const rows = decodeRows(await store.get(`${change.directory}/${path}`));
    const kept = rows.filter((row) => !where.every((condition) => holds(condition, row)));
    if (kept.length === 0) continue;
    const rest = `${load.loadId}-rest-${index}.rows`;
    await store.put(`${change.directory}/${rest}`, encodeRows(kept));
    await store.sync([`${change.directory}/${rest}`]);
    add.push(rest);
  }
  return { add, remove: current };
}

function holds({ column, op, value }: TextCondition, row: Row): boolean {
  const left = row[column] as bigint;
  if (op === "in") return (value as readonly string[]).some((text) => left === BigInt(text));
  const right = BigInt(value as string);
  if (op === "=") return left === right;
  if (op === "<") return left < right;
  if (op === "<=") return left <= right;
  return op === ">" ? left > right : left >= right;
}

function live(log: readonly Commit[]): string[] {
  const files = new Set<string>();
  for (const { add, remove } of log) {
    for (const path of remove) files.delete(path);
    for (const path of add) files.add(path);
  }
  return [...files];
}

async function readLog(store: ObjectStore, directory: string): Promise<readonly Commit[]> {
  const commits: Commit[] = [];
  for await (const { path } of store.list(`${directory}/_log/`))
    commits.push(decodeRows(await store.get(path))[0] as unknown as Commit);
  return commits;
}
