import type { ObjectStore, PipelineState } from "@alluvium/core";
import { expect } from "vitest";
import type { Lake, Row } from "./lakes.ts";
import { LAST_PHASE, shopTables, type Cells, type TableModel } from "./shop.ts";

/** What was found in the tables. */
export interface Found {
  /** Rows by table. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * What holds whenever a pipeline has recovered: each table holds exactly the rows that its stream's cursor tells of, each once; replaced tables hold
 * one whole generation; nothing is set aside; `_alv_loads` lists every load once, with what the tables hold and at their versions.
 */
export async function expectRecovered(
  lake: Lake,
  store: ObjectStore,
  state: PipelineState | undefined,
  where: string,
): Promise<Found> {
  const loads = await expectLoads(lake, store, state, where);
  const counts: Record<string, number> = {};
  for (const [table, model] of Object.entries(shopTables)) {
    const rows = await lake.read(store, table);
    counts[table] = rows.length;
    expect(cellsOf(rows, model), `${table} ${where}`).toEqual(
      texts(committedRows(table, model, state, rows)),
    );
    // Rows tell a load that there is, if perhaps not the one that they became visible with: files carry over.
    expect(
      rows.map((row) => row["_alv_load_id"]).filter((id) => !loads.ids.has(id)),
      `load ids of ${table} ${where}`,
    ).toEqual([]);
    const listed = loads.rows[table] ?? 0;
    if (!model.replaces) expect(listed, `rows that _alv_loads tells of ${table} ${where}`).toBe(rows.length);
    const version = await lake.version(store, table);
    if (version !== undefined)
      expect(loads.versions[table], `versions of ${table} ${where}`).toEqual(
        Array.from({ length: version + 1 }, (_, i) => i),
      );
  }
  return { counts };
}

/** What holds after a run at `phase` that reached its end. */
export async function expectComplete(
  lake: Lake,
  store: ObjectStore,
  state: PipelineState | undefined,
  phase: number,
  where: string,
): Promise<Found> {
  const found = await expectRecovered(lake, store, state, where);
  for (const [table, model] of Object.entries(shopTables))
    expect(cellsOf(await lake.read(store, table), model), `${table} ${where}`).toEqual(
      texts(model.rows(phase)),
    );
  return found;
}

interface Loads {
  readonly ids: ReadonlySet<unknown>;
  /** Rows loaded, by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Versions in the order of the loads, by table. */
  readonly versions: Readonly<Record<string, readonly number[]>>;
}

async function expectLoads(
  lake: Lake,
  store: ObjectStore,
  state: PipelineState | undefined,
  where: string,
): Promise<Loads> {
  const listed = (await lake.read(store, "_alv_loads"))
    .filter((row) => row["pipeline"] === "shop")
    .sort((a, b) => Number(a["sequence"]) - Number(b["sequence"]));
  expect(
    listed.map((row) => Number(row["sequence"])),
    `loads ${where}`,
  ).toEqual(Array.from({ length: (state?.sequence ?? -1) + 1 }, (_, i) => i));
  expect(listed.at(-1)?.["load_id"], `newest load ${where}`).toBe(state?.loadId);
  const rows: Record<string, number> = {};
  const versions: Record<string, number[]> = {};
  for (const load of listed)
    for (const entry of load["tables"] as readonly Row[]) {
      const table = String(entry["table"]);
      expect(entry["parked"], `${table} in load ${String(load["sequence"])} ${where}`).toBeNull();
      rows[table] = (rows[table] ?? 0) + Number(entry["rows"]);
      if (entry["version"] !== null) (versions[table] ??= []).push(Number(entry["version"]));
    }
  for (const [table, { parked }] of Object.entries(state?.tables ?? {}))
    expect(parked, `${table} ${where}`).toBeUndefined();
  return { ids: new Set(listed.map((row) => row["load_id"])), rows, versions };
}

/** The rows that a state says are committed. `rows` are those found: of a table that is replaced they tell which generation. */
function committedRows(
  table: string,
  model: TableModel,
  state: PipelineState | undefined,
  rows: readonly Row[],
): readonly Cells[] {
  const stream = state?.streams[model.stream];
  if (stream === undefined) return [];
  if (model.replaces) {
    const generation = rows.length === 0 ? 2 : Number(rows[0]!["phase"]);
    const whole = model.rows(generation);
    expect(state?.tables[table]?.rows, `rows of ${table} in the state`).toBe(whole.length);
    return whole;
  }
  const cursor = cursorOf(stream.cursor, table);
  if (cursor === undefined) return [];
  if (model.before !== undefined) return model.before(Number(cursor.position ?? 0));
  const { since } = cursor;
  if (since === undefined) return [];
  // Of the rows at the cursor's value the first so many are taken; all tables of a stream tell of the rows before their transforms.
  const parent = shopTables[model.stream]!;
  const column = model.cursor!;
  const value = column === "at" ? new Date(since.value).toISOString() : Number(since.value);
  let left = since.boundary.reduce((sum, { hashes }) => sum + hashes.length, 0);
  const taken = parent.rows(LAST_PHASE).filter((row) => {
    if (row[column]! !== value) return row[column]! < value;
    return left-- > 0;
  });
  const ids = new Set(taken.map(({ id }) => id));
  return model.rows(LAST_PHASE).filter(({ id }) => ids.has(id!));
}

interface StoredCursor {
  readonly position?: number;
  readonly since?: {
    readonly value: string;
    readonly boundary: readonly { readonly hashes: readonly string[] }[];
  };
}

function cursorOf(json: unknown, resource: string): StoredCursor | undefined {
  const shared = json as {
    readonly cursors: readonly { readonly value: StoredCursor }[];
    readonly resources: Readonly<Record<string, number>>;
  } | null;
  const at = shared?.resources[resource];
  return at === undefined ? undefined : shared!.cursors[at]!.value;
}

function cellsOf(rows: readonly Row[], { columns }: TableModel): readonly string[] {
  return rows.map((row) => JSON.stringify(columns.map((column) => cell(row[column])))).sort();
}

function texts(rows: readonly Cells[]): readonly string[] {
  return rows.map((row) => JSON.stringify(Object.values(row))).sort();
}

function cell(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "bigint" ? Number(value) : (value ?? null);
}
