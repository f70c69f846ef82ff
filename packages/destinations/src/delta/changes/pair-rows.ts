import { rowHashes, takeBatch, type Batch } from "@alluvium/core/columns";
import type { ChangeKind } from "./options.ts";

/** About what a row that is compared takes in memory: two hashes as text, and its place in the map. */
const ROW_BYTES = 400;

/** Rows of one commit, which can be read several times. */
export interface Sides {
  readonly before: () => AsyncIterable<Batch>;
  readonly after: () => AsyncIterable<Batch>;
  /** At most how many rows `before` gives. */
  readonly rows: number;
}

/** How {@link pairedRows} compares. */
export interface PairOptions {
  readonly key: readonly string[];
  /** All columns by which rows are compared. */
  readonly columns: readonly string[];
  readonly budget: number;
}

/** What is known of the rows of one key: how many of each form went, came, and are neither. */
interface Pair {
  readonly went: Map<string, number>;
  readonly came: Map<string, number>;
}

/**
 * The rows that really changed: of a key whose row went and came back unchanged nothing, of a row that changed both forms. Memory holds
 * the hashes of what went; where they do not fit, a part of the keys is looked at at a time.
 */
export async function* pairedRows(
  sides: Sides,
  options: PairOptions,
): AsyncGenerator<{ readonly kind: ChangeKind; readonly batch: Batch }> {
  const passes = Math.max(1, Math.ceil((sides.rows * ROW_BYTES) / options.budget));
  for (let pass = 0; pass < passes; pass++) {
    const inPass = (hash: string): boolean => passes === 1 || numberOf(hash) % passes === pass;
    const pairs = new Map<string, Pair>();
    for await (const { keys, forms } of hashed(sides.before(), options))
      for (const [row, key] of keys.entries()) {
        if (!inPass(key)) continue;
        let pair = pairs.get(key);
        if (pair === undefined) pairs.set(key, (pair = { went: new Map(), came: new Map() }));
        count(pair.went, forms[row]!, 1);
      }
    if (pairs.size > 0)
      for await (const { keys, forms } of hashed(sides.after(), options))
        for (const [row, key] of keys.entries()) {
          const pair = pairs.get(key);
          if (pair !== undefined) count(pair.came, forms[row]!, 1);
        }
    const updates = settle(pairs);
    const left = new Map(updates);
    for await (const { batch, keys, forms } of hashed(sides.before(), options))
      yield* split(batch, (row) => {
        const pair = pairs.get(keys[row]!);
        if (pair === undefined || !take(pair.went, forms[row]!)) return undefined;
        return take(left, keys[row]!) ? "updateBefore" : "delete";
      });
    for await (const { batch, keys, forms } of hashed(sides.after(), options))
      yield* split(batch, (row) => {
        const key = keys[row]!;
        if (!inPass(key)) return undefined;
        const pair = pairs.get(key);
        if (pair === undefined) return "insert";
        if (!take(pair.came, forms[row]!)) return undefined;
        return take(updates, key) ? "updateAfter" : "insert";
      });
  }
}

/** Cancels forms that went and came, and tells how many rows of each key are updates. */
function settle(pairs: ReadonlyMap<string, Pair>): Map<string, number> {
  const updates = new Map<string, number>();
  for (const [key, { went, came }] of pairs) {
    for (const [form, gone] of went) {
      const same = Math.min(gone, came.get(form) ?? 0);
      if (same === 0) continue;
      count(went, form, -same);
      count(came, form, -same);
    }
    const paired = Math.min(sum(went), sum(came));
    if (paired > 0) updates.set(key, paired);
  }
  return updates;
}

function sum(forms: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const each of forms.values()) total += each;
  return total;
}

function count(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** Takes one off a count, if there is one. */
function take(counts: Map<string, number>, name: string): boolean {
  const known = counts.get(name) ?? 0;
  if (known === 0) return false;
  counts.set(name, known - 1);
  return true;
}

async function* hashed(
  batches: AsyncIterable<Batch>,
  { key, columns }: PairOptions,
): AsyncGenerator<{
  readonly batch: Batch;
  readonly keys: readonly string[];
  readonly forms: readonly string[];
}> {
  for await (const batch of batches)
    yield { batch, keys: rowHashes(batch, key), forms: rowHashes(batch, columns) };
}

function* split(
  batch: Batch,
  kindOf: (row: number) => ChangeKind | undefined,
): Generator<{ readonly kind: ChangeKind; readonly batch: Batch }> {
  const rows = new Map<ChangeKind, number[]>();
  for (let row = 0; row < batch.length; row++) {
    const kind = kindOf(row);
    if (kind === undefined) continue;
    const chosen = rows.get(kind);
    if (chosen === undefined) rows.set(kind, [row]);
    else chosen.push(row);
  }
  for (const [kind, chosen] of rows)
    yield { kind, batch: chosen.length === batch.length ? batch : takeBatch(batch, Int32Array.from(chosen)) };
}

/** A number out of a hash, whose characters are evenly spread. */
function numberOf(hash: string): number {
  let number = 0;
  for (let i = 0; i < 6; i++) number = number * 64 + (hash.charCodeAt(i) & 63);
  return number;
}
