import type { Capabilities, ColumnType, MergeStrategy } from "@alluvium/core";
import type { ChangeSpelling } from "@alluvium/core/testing";
import { driftOf } from "./drift.ts";
import type { Chunk, Columns, History, HistoryLoad, SourceRow } from "./history.ts";
import { sourceTable, type SourceTable } from "./source-table.ts";

/** What a history is drawn from. */
export interface HistoryOptions {
  readonly strategy: MergeStrategy;
  readonly capabilities: Capabilities;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly loads: number;
}

/** A history at random: the changes that a source makes, cut into loads, with rollbacks, repeats and drifting columns. */
export function randomHistory({ strategy, capabilities, random, loads }: HistoryOptions): History {
  const below = (end: number): number => Math.floor(random() * end);
  const chance = (part: number): boolean => random() < part;
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)]!;
  const isComposite = chance(0.5);
  const primaryKey = isComposite ? ["id", "part"] : ["id"];
  const partial = strategy !== "deleteInsert" && chance(0.7);
  const isOrdered = strategy !== "insertOnly" && chance(0.4);
  const mergeKey = strategy === "deleteInsert" && chance(0.6) ? [pick(["part", "name"])] : undefined;
  const drift = driftOf(capabilities);
  const table = sourceTable();
  let clock = 0;
  let step = 0;

  function value(type: ColumnType): unknown {
    if (chance(0.15)) return null;
    switch (type.kind) {
      case "int32":
        return below(5) - 2;
      case "int64":
        return BigInt(below(5)) * 2n ** 33n;
      case "float64":
        return below(8) / 4;
      case "decimal":
        return `${below(20)}.${10 + below(90)}`;
      case "boolean":
        return chance(0.5);
      case "struct":
        return Object.fromEntries(type.fields.map(({ name }) => [name, chance(0.5) ? "x" : null]));
      case "null":
        return null;
      default:
        return pick(["", "a", "b", "it's", "ü"]);
    }
  }

  const cellsOf = (columns: Columns): SourceRow => ({
    ...Object.fromEntries(
      Object.entries(columns)
        .filter(([name]) => !["id", "part", "at"].includes(name))
        .map(([name, type]) => [name, value(type)]),
    ),
    at: ++clock,
  });
  const someCells = (columns: Columns): SourceRow =>
    Object.fromEntries(Object.entries(cellsOf(columns)).filter(([name]) => name === "at" || chance(0.4)));

  /** A key that no row has: without `part` in the key ids alone tell rows apart. */
  function freeKey(part?: string): SourceRow | undefined {
    for (let tries = 0; tries < 20; tries++) {
      const key = { id: BigInt(below(12)), part: part ?? pick(["p", "q"]) };
      const isTaken = Array.from(table.rows.values()).some(
        (row) => row["id"] === key.id && (!isComposite || row["part"] === key.part),
      );
      if (!isTaken) return key;
    }
    return undefined;
  }

  function change(columns: Columns): void {
    const keys = [...table.rows.keys()];
    const what = keys.length === 0 ? 0 : random();
    if (what < 0.35) {
      const key = freeKey();
      if (key !== undefined) table.insert({ ...key, ...cellsOf(columns) });
    } else if (what < 0.65) {
      const isPartial = partial && chance(0.6);
      table.update(pick(keys), isPartial ? someCells(columns) : cellsOf(columns), isPartial);
    } else if (what < 0.75) {
      const key = pick(keys);
      const free = freeKey(table.rows.get(key)!["part"] as string);
      // The order column of a moved row goes on, as that of any other change.
      if (free !== undefined) {
        if (isOrdered) table.update(key, { at: ++clock }, false);
        table.move(key, free["id"] as bigint, partial && chance(0.5));
      }
    } else if (what < 0.85 && keys.length > 1) swap(table, keys);
    else if (what < 0.985) table.remove(pick(keys));
    else table.truncate();
  }

  function swap(rows: SourceTable, keys: readonly string[]): void {
    const one = pick(keys);
    const part = rows.rows.get(one)!["part"];
    const other = keys.find((key) => key !== one && (!isComposite || rows.rows.get(key)!["part"] === part));
    if (other !== undefined && !isOrdered) rows.swap(one, other, partial && chance(0.5));
  }

  /** Rows as they were some time ago: what a source that is read again sends. */
  function stale(): readonly ChangeSpelling[] {
    if (!isOrdered || !chance(0.4)) return [];
    return Array.from(table.rows.values(), (row): ChangeSpelling => ({
      op: "update",
      row: { ...row, at: (row["at"] as number) - 1, name: "stale" },
    })).slice(0, 2);
  }

  function chunk(columns: Columns): Chunk {
    for (let count = below(6); count >= 0; count--) change(columns);
    return {
      columns,
      changes: [...table.take(), ...stale()],
      isRepeated: chance(0.2),
      isSealed: chance(0.6),
      source: [...table.rows.values()],
    };
  }

  const made = Array.from({ length: loads }, (): HistoryLoad => {
    if (chance(0.3) && step < drift.length - 1) step += 1;
    const endsSession = chance(0.6);
    const chunks = Array.from({ length: 1 + below(3) }, () => chunk(drift[step]!));
    return {
      chunks: chunks.map((one, i) =>
        endsSession && i === chunks.length - 1 ? { ...one, isSealed: true } : one,
      ),
      isGivenUp: endsSession && chance(0.2),
      endsSession,
    };
  });
  return {
    strategy,
    merge: {
      ...(isOrdered && { orderBy: "at" }),
      ...(mergeKey && { mergeKey }),
    },
    primaryKey,
    loads: made,
    isExact: strategy === "upsert",
  };
}
