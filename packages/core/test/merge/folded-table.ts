import {
  ACTIVE,
  changelogBuilder,
  changeRows,
  combineRows,
  foldHistory,
  foldRows,
  isTruncated,
  keepChanged,
  KeyAction,
  NO_ROW,
  storedNeeds,
  versionTimes,
  type Changelog,
  type CombinedRows,
  type StoredRows,
} from "@alluvium/core/merge";
import { concatBatches, scalarReader, takeBatch, takeVector, type Batch } from "@alluvium/core/columns";
import type { MergeStrategy, TablePlan } from "@alluvium/core";
import type { WrittenBatch } from "../../src/testing/model-changes.ts";

/** What a table holds after a load, folded; a version's times beside its row. */
export interface FoldedTable {
  readonly rows: Batch;
  readonly times: readonly (readonly [from: bigint, to: bigint | undefined])[];
  readonly counts: unknown;
}

const column = (batch: Batch, name: string) =>
  batch.columns[batch.schema.fields.findIndex((field) => field.name === name)]!;

/** Does with the fold what a destination does: `stored` are the table's rows, in `scd2` its active versions, which began at `since`. */
export function foldTable(
  stored: Batch,
  written: readonly WrittenBatch[],
  plan: TablePlan,
  boundary = 0n,
  since: readonly bigint[] = [],
): FoldedTable {
  const strategy = (plan.disposition as { strategy: MergeStrategy }).strategy;
  const { primaryKey, merge } = plan;
  const types = (names: readonly string[]) => names.map((name) => column(stored, name).type);
  const log = changelogBuilder({
    keyTypes: types(primaryKey),
    keyNames: primaryKey,
    mergeKeyTypes: merge?.mergeKey && types(merge.mergeKey),
  });
  for (const { batch, stretch } of written) log.add(changeRows(batch, plan, stretch));
  const changelog = log.finish();
  const all = concatBatches([
    ...written.map(({ batch }) => ({ ...batch, changes: undefined })),
    { ...stored, length: 0, columns: stored.columns.map((one) => takeVector(one, new Int32Array(0))) },
  ]);
  const keys = primaryKey.map((name) => column(stored, name));
  const entries = changelog.keys.probe(keys);
  const storedAt = new Int32Array(changelog.keys.size).fill(-1);
  entries.forEach((entry, row) => {
    if (entry >= 0) storedAt[entry] = row;
  });
  const known: StoredRows = {
    present: Uint8Array.from(storedAt, (row) => Number(row >= 0)),
    order: merge?.orderBy === undefined ? undefined : takeVector(column(stored, merge.orderBy), storedAt),
    since: BigInt64Array.from(storedAt, (row) => since[row] ?? 0n),
  };
  const { cells } = storedNeeds(changelog, strategy);
  const combine = (combined: CombinedRows): Batch => {
    for (const base of combined.bases)
      if (base >= 0 && !cells.includes(base)) throw new Error(`the row of entry ${base} was not asked for`);
    return combineRows(
      combined,
      { ...takeBatch(all, combined.positions), changes: takeUnsent(written, combined.positions) },
      stored,
      combined.bases.map((entry) => (entry < 0 ? -1 : storedAt[entry]!)),
    );
  };

  if (strategy === "scd2") return history();
  const needsStored = strategy !== "deleteInsert";
  const folded = foldRows(changelog, strategy, needsStored ? known : undefined);
  const made = combine(folded.combined);
  const putRows = (positions: readonly number[]): Batch =>
    concatBatches([
      takeBatch(all, Int32Array.from(positions.filter((at) => at >= 0))),
      takeBatch(made, Int32Array.from(positions.filter((at) => at < 0).map((at) => ~at))),
    ]);
  const positions = Array.from(folded.rows).filter((_, entry) => folded.actions[entry] === KeyAction.put);
  const mergeEntries =
    changelog.mergeKeys?.probe(merge!.mergeKey!.map((name) => column(stored, name))) ?? entries;
  const kept = Int32Array.from(
    [...entries.keys()].filter((row) => {
      if (folded.truncated) return false;
      if (strategy === "deleteInsert") return entries[row]! < 0 && mergeEntries[row]! < 0;
      return entries[row]! < 0 || folded.actions[entries[row]!] === KeyAction.keep;
    }),
  );
  return {
    rows: concatBatches([takeBatch(stored, kept), putRows(positions)]),
    times: [],
    counts: folded.counts,
  };

  function history(): FoldedTable {
    const found = foldHistory(changelog, known);
    const made = combine(found.combined);
    const merged = concatBatches([all, made]);
    const rowAt = (at: number): number => (at < 0 ? all.length + ~at : at);
    const rowsOfEvents = takeBatch(
      merged,
      Int32Array.from(
        Array.from(found.rows).filter((row) => row !== NO_ROW),
        rowAt,
      ),
    );
    const keep = keepChanged(found, rowsOfEvents, stored, storedAt);
    const versions = versionTimes(found, keep, changelog, boundary, known);
    const begun = takeBatch(
      merged,
      versions.events.map((event) => rowAt(found.rows[event]!)),
    );
    const to = (time: bigint): bigint | undefined => (time === ACTIVE ? undefined : time);
    const absent = isTruncated(changelog) || merge?.validity?.retireAbsent === true;
    return {
      rows: concatBatches([stored, begun]),
      times: [
        ...Array.from(entries, (entry, row) => {
          const ended = entry < 0 ? (absent ? boundary : ACTIVE) : versions.ended[entry]!;
          return [since[row]!, to(ended)] as const;
        }),
        ...Array.from(versions.from, (from, i) => [from, to(versions.to[i]!)] as const),
      ],
      counts: {
        ...versions.counts,
        deleted: versions.counts.deleted + (absent ? entries.filter((entry) => entry < 0).length : 0),
      },
    };
  }
}

function takeUnsent(written: readonly WrittenBatch[], positions: Int32Array): Batch["changes"] {
  const all = concatBatches(
    written.map(({ batch }) => ({
      ...batch,
      changes: batch.changes ?? {
        ops: new Uint8Array(batch.length),
        ordinals: new BigInt64Array(batch.length),
      },
    })),
  );
  return takeBatch(all, positions).changes;
}

/** Rows as texts, in any order. */
export function rowTexts(batch: Batch): string[] {
  const readers = batch.columns.map((one) => (one.layout === "null" ? () => null : scalarReader(one)));
  return Array.from({ length: batch.length }, (_, row) => readers.map((read) => String(read(row))).join("|"));
}

/** The changelog of some batches. */
export type { Changelog };
