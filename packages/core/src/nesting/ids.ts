import { createHash, hash } from "node:crypto";
import { fixedValues } from "../columns/builder.ts";
import { tokenReader } from "../columns/hash.ts";
import { isValid, type FixedVector } from "../columns/vector.ts";
import type { SplitTable } from "./split.ts";

/** Bytes of an id: a UUID of version 8 (RFC 9562), whose last 48 bits count. */
const BYTES = 16;
const UUID = { kind: "uuid" } as const;

/**
 * Ids by place: 74 bits of a hash of the load and the table, then the row's number in it. No id is given twice, since a load's id never is, and
 * `first` never steps back within a run.
 */
export function placedIds(loadId: string, table: string, first: number, length: number): FixedVector {
  const values = newIds(length);
  // By words: a byte at a time costs many times as much.
  const words = new Int32Array(values.buffer);
  const head = new Uint8Array(BYTES);
  head.set(headOf(hash("sha256", `${loadId}\n${table}`, "buffer")));
  const given = new Int32Array(head.buffer);
  for (let row = 0; row < length; row++) {
    const count = first + row;
    words[4 * row] = given[0]!;
    words[4 * row + 1] = given[1]!;
    // The highest bytes come first, and behind two bytes of the head.
    const high = Math.floor(count / 2 ** 32);
    words[4 * row + 2] = given[2]! | ((high & 0xff00) << 8) | (high << 24);
    words[4 * row + 3] =
      (count << 24) | ((count & 0xff00) << 8) | ((count >>> 8) & 0xff00) | ((count >>> 24) & 0xff);
  }
  return idVector(values, length);
}

/**
 * Ids of rows by what they hold, children included: a row that is read again has the same one, and one of which anything is different another. Nulls
 * and columns without values count for nothing, so that a column which turns up changes the ids of the rows that have a value there.
 */
export function contentIds(tables: readonly SplitTable[]): FixedVector {
  const [root] = tables;
  const texts = new Map(tables.map((table) => [table, ownTexts(table)]));
  // From the last table to the first, so that the rows of a child are complete before they are added to their parents'.
  for (const table of tables.toReversed()) {
    const { parent, parents, pointer } = table;
    if (parent === undefined) continue;
    const [own, above] = [texts.get(table)!, texts.get(parent)!];
    for (let row = 0; row < parents.length; row++)
      above[parents[row]!] += `${pointer.length}:${pointer}[${own[row]!.length}:${own[row]!}`;
  }
  const length = root?.length ?? 0;
  const values = newIds(length);
  const rows = root === undefined ? [] : texts.get(root)!;
  for (let row = 0; row < length; row++) {
    const digest = createHash("sha256").update(rows[row]!).digest();
    values.set(headOf(digest), row * BYTES);
    values.set(digest.subarray(10, BYTES), row * BYTES + 10);
  }
  return idVector(values, length);
}

/**
 * Ids of a child table's rows that follow from their roots': the root's with a hash of the table laid over it, and the row's number among those of
 * its root added to the count.
 */
export function derivedIds({ path, roots, length }: SplitTable, rootIds: FixedVector): FixedVector {
  const over = hash("sha256", path, "buffer");
  over[6]! &= 0x0f;
  over[8]! &= 0x3f;
  const from = rootIds.values as Uint8Array;
  const values = newIds(length);
  let root = -1;
  let next = 0;
  for (let row = 0; row < length; row++) {
    const at = row * BYTES;
    const source = roots[row]! * BYTES;
    if (roots[row] !== root) {
      root = roots[row]!;
      next = 0;
      for (let i = 10; i < BYTES; i++) next = next * 256 + from[source + i]!;
    }
    for (let i = 0; i < 10; i++) values[at + i] = from[source + i]! ^ over[i]!;
    putCount(values, at, next % 2 ** 48);
    next += 1;
  }
  return idVector(values, length);
}

function newIds(length: number): Uint8Array {
  return fixedValues(UUID, length * BYTES) as Uint8Array;
}

function idVector(values: Uint8Array, length: number): FixedVector {
  return { layout: "fixed", type: UUID, length, nullCount: 0, validity: undefined, values };
}

/** The first ten bytes of a digest as those of a UUID of version 8. */
function headOf(digest: Uint8Array): Uint8Array {
  const head = digest.slice(0, 10);
  head[6] = 0x80 | (head[6]! & 0x0f);
  head[8] = 0x80 | (head[8]! & 0x3f);
  return head;
}

function putCount(values: Uint8Array, at: number, count: number): void {
  const high = Math.floor(count / 2 ** 32);
  values[at + 10] = high >>> 8;
  values[at + 11] = high;
  values[at + 12] = count >>> 24;
  values[at + 13] = count >>> 16;
  values[at + 14] = count >>> 8;
  values[at + 15] = count;
}

/** Each row of a table as text that no other row has; columns in the order of their names. */
function ownTexts({ schema, columns, length }: SplitTable): string[] {
  const order = schema.fields.map(({ name }, i) => ({ name, i })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const texts = Array.from({ length }, () => "");
  for (const { name, i } of order) {
    const column = columns[i]!;
    if (column.nullCount === length) continue;
    const read = tokenReader(column);
    const head = `${name.length}:${name}`;
    for (let row = 0; row < length; row++) if (isValid(column, row)) texts[row] += head + read(row);
  }
  return texts;
}
