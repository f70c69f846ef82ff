import type { Batch } from "../columns/batch.ts";
import { rowHashes } from "../columns/hash.ts";
import { takeBatch } from "../columns/take.ts";
import { sameItems } from "../schema/members.ts";
import type { RowHashes } from "./column-cursor.ts";

/** The rows that a read before this one has taken: each is matched once. */
export interface TakenRows {
  /** Of the rows `candidates` of a batch, those not taken before. */
  fresh(batch: Batch, candidates: Int32Array): Int32Array;
  /** The rows not met again so far. */
  left(): readonly RowHashes[];
}

/** What is stored of an earlier read, to match rows against. */
export function takenRows(stored: readonly RowHashes[]): TakenRows {
  const groups = stored.map(({ columns, hashes }) => {
    const counts = new Map<string, number>();
    for (const hash of hashes) counts.set(hash, (counts.get(hash) ?? 0) + 1);
    return { columns, counts };
  });
  return {
    fresh(batch, candidates) {
      let rows = candidates;
      for (const { columns, counts } of groups) {
        if (counts.size === 0 || rows.length === 0) continue;
        const hashes = rowHashes(takeBatch(batch, rows), columns);
        rows = rows.filter((_, i) => {
          const left = counts.get(hashes[i]!) ?? 0;
          if (left > 1) counts.set(hashes[i]!, left - 1);
          else counts.delete(hashes[i]!);
          return left === 0;
        });
      }
      return rows;
    },
    left: () =>
      groups
        .filter(({ counts }) => counts.size > 0)
        .map(({ columns, counts }) => ({
          columns,
          hashes: [...counts].flatMap(([hash, count]) => Array<string>(count).fill(hash)).sort(),
        })),
  };
}

/** Gathers the rows that this read takes at one value. */
export interface HashCollector {
  /** Rows gathered, those of `before` included. */
  readonly size: number;
  add(batch: Batch, rows: Int32Array): void;
  /** Starts over: the value is another one. */
  clear(): void;
  stored(): readonly RowHashes[];
}

/**
 * A collector that goes on from the rows stored before. With a `key` rows are known by it alone, so that they stay the same when the
 * source's columns change.
 */
export function hashCollector(before: readonly RowHashes[], key: readonly string[] = []): HashCollector {
  let groups = before
    .filter(({ hashes }) => hashes.length > 0)
    .map(({ columns, hashes }) => ({ columns, hashes: [...hashes] }));
  return {
    get size() {
      return groups.reduce((sum, { hashes }) => sum + hashes.length, 0);
    },
    add(batch, rows) {
      if (rows.length === 0) return;
      const all = batch.schema.fields.map(({ name }) => name);
      const columns = key.length > 0 && key.every((name) => all.includes(name)) ? key : all;
      let group = groups.find((one) => sameItems(one.columns, columns));
      if (group === undefined) {
        group = { columns, hashes: [] };
        // The newest first: it knows most columns, so a row is compared by those before it is by fewer.
        groups.unshift(group);
      }
      for (const hash of rowHashes(takeBatch(batch, rows), columns)) group.hashes.push(hash);
    },
    clear() {
      groups = [];
    },
    stored: () => groups.map(({ columns, hashes }) => ({ columns, hashes: hashes.toSorted() })),
  };
}
