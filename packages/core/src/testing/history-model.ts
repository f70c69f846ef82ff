import { comparedFields } from "../merge/compared-fields.ts";
import { castVector } from "../columns/cast.ts";
import { nullVector } from "../columns/null-vector.ts";
import { constantVector } from "../columns/dictionary.ts";
import { scalarAt } from "../columns/scalar.ts";
import type { TablePlan } from "../destination.ts";
import { validityColumns, type Validity } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import { sameValues } from "../merge/same-rows.ts";
import type { ColumnType, Field, Schema } from "../schema/types.ts";
import { keyedRows, type MergedRows } from "./merge-model.ts";
import type { ModelChange } from "./model-changes.ts";
import { keyText, valueOf, type ModelRow } from "./model-rows.ts";

const timestamp: ColumnType = { kind: "timestamp", zone: "utc" };
const boolean: ColumnType = { kind: "boolean" };

/** The columns that `scd2` adds to a table. */
export function validityFields({ from, to, active }: Pick<Validity, "from" | "to" | "active">): Field[] {
  return [
    { name: from, type: timestamp, nullable: false },
    { name: to, type: timestamp, nullable: true },
    { name: active, type: boolean, nullable: false },
  ];
}

/** A version of a row, while its table is changed. */
interface Version {
  readonly row: ModelRow;
  readonly from: bigint;
  to: bigint | undefined;
}

/** What a load of `scd2` is done with. */
export interface HistoryLoad {
  readonly plan: TablePlan;
  /** The table's columns, without those of its validity. */
  readonly schema: Schema;
  /** Now, in µs since 1970. */
  readonly now: bigint;
}

/** `scd2` on the rows of a table: what `MergeStrategy` and `Validity` say, one change after another. */
export function keepHistory(
  before: readonly ModelRow[],
  changes: readonly ModelChange[],
  { plan, schema, now }: HistoryLoad,
): MergedRows {
  const { primaryKey, merge } = plan;
  const validity: Validity = merge?.validity ?? { ...validityColumns, retireAbsent: false };
  const compared = comparedFields(schema.fields);
  const versions = before.map((row): Version => ({
    row,
    from: valueOf(row, validity.from) as bigint,
    to: (valueOf(row, validity.to) ?? undefined) as bigint | undefined,
  }));
  const active = new Map<string, Version>();
  for (const version of versions)
    if (version.to === undefined) active.set(keyText(version.row, primaryKey), version);
  const times = versions.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]));
  const last = times.length === 0 ? undefined : times.reduce((max, time) => (time > max ? time : max));
  const boundary = boundaryOf(validity, last, now, plan.table);

  const begun = new Map<string, bigint>();
  let [inserted, updated, deleted] = [0, 0, 0];

  function timeOf(key: string, change: ModelChange | undefined): bigint {
    const time = boundary + (begun.get(key) ?? 0n);
    if (change === undefined || change.kind === "truncate") return time;
    if (validity.boundary === undefined || !("column" in validity.boundary)) return time;
    const cell = change.row.get(validity.boundary.column);
    return (
      cell === undefined ? time : (scalarAt(castVector(cell.vector, timestamp), cell.row) ?? time)
    ) as bigint;
  }

  function end(key: string, version: Version, change: ModelChange | undefined): bigint {
    const time = timeOf(key, change);
    version.to = time < version.from ? version.from : time;
    active.delete(key);
    return version.to;
  }

  const keyed = keyedRows(
    Array.from(active, ([key, { row }]) => [key, row] as const),
    merge?.orderBy,
    (key, row, change) => {
      const version = active.get(key);
      if (row === undefined) {
        if (version === undefined) return;
        end(key, version, change);
        deleted += 1;
        return;
      }
      if (version !== undefined && isSame(version.row, row, compared)) return;
      const from = version === undefined ? timeOf(key, change) : end(key, version, change);
      if (version !== undefined) updated += 1;
      const next: Version = { row, from, to: undefined };
      versions.push(next);
      active.set(key, next);
      begun.set(key, (begun.get(key) ?? 0n) + 1n);
      inserted += 1;
    },
  );
  const brought = new Set<string>();
  for (const change of changes) {
    keyed.apply(change);
    if (change.kind !== "truncate") brought.add(change.key).add(change.from ?? change.key);
  }
  if (validity.retireAbsent)
    for (const [key, version] of active)
      if (!brought.has(key)) {
        end(key, version, undefined);
        deleted += 1;
      }
  return {
    rows: versions.map(({ row, from, to }) => withValidity(row, validity, from, to)),
    counts: { inserted, updated, deleted },
  };
}

function boundaryOf({ boundary }: Validity, last: bigint | undefined, now: bigint, table: string): bigint {
  const next = last === undefined ? undefined : last + 1n;
  if (boundary !== undefined && "at" in boundary) {
    const at = BigInt(boundary.at) * 1000n;
    if (next === undefined || at >= next) return at;
    if (last! < at + 1000n) return next;
    throw new AlluviumError(
      "ALV_CONFIG",
      `boundary is ${new Date(boundary.at).toISOString()}, and table ${table} has versions that begin or end later, at ${new Date(Number(last! / 1000n)).toISOString()}: choose a later time`,
    );
  }
  return next === undefined || now >= next ? now : next;
}

function isSame(a: ModelRow, b: ModelRow, fields: readonly Field[]): boolean {
  return fields.every(({ name, type }) => {
    const [left, right] = [a.get(name), b.get(name)].map((cell) =>
      cell === undefined
        ? { vector: nullVector(type, 1), row: 0 }
        : { vector: castVector(cell.vector, type, name), row: cell.row },
    );
    return sameValues(left!.vector, right!.vector)(left!.row, right!.row);
  });
}

function withValidity(row: ModelRow, validity: Validity, from: bigint, to: bigint | undefined): ModelRow {
  return new Map([
    ...row,
    [validity.from, { vector: constantVector(timestamp, from, 1), row: 0 }],
    [validity.to, { vector: constantVector(timestamp, to ?? null, 1), row: 0 }],
    [validity.active, { vector: constantVector(boolean, to === undefined, 1), row: 0 }],
  ]);
}
