import { decimalWords, fixedValues } from "../columns/builder.ts";
import { checkedOffset } from "../columns/take.ts";
import type { Vector } from "../columns/vector.ts";
import type { ColumnType } from "../schema/types.ts";
import { isNullKey, wordsOf, type KeyColumn } from "./key-column.ts";

/** The values of one key column, one an entry, added at the end. */
export interface KeyStore {
  /** Adds the value of a row as entry number `entry`, which is the next one. */
  add(column: KeyColumn, row: number, entry: number): void;
  /** Whether entry `entry` holds the value of a row; nulls equal one another. */
  equals(column: KeyColumn, row: number, entry: number): boolean;
  /** The first `count` entries as a vector; later additions do not show in it. */
  vector(count: number): Vector;
  /** Bytes held. */
  bytes(): number;
}

/** A store for values of a type. */
export function keyStore(type: ColumnType, expected: number): KeyStore {
  const width = wordsOf(type);
  return width === undefined ? byteStore(type, expected) : wordStore(type, width, expected);
}

function wordStore(type: ColumnType, width: number, expected: number): KeyStore {
  let words = new Int32Array(width * expected);
  const nulls = nullMarks(expected);
  return {
    add(column, row, entry) {
      if (column.kind !== "words") return;
      if (width * entry === words.length) words = grownWords(words);
      nulls.add(column, row, entry);
      const from = width * place(column, row);
      const to = width * entry;
      for (let k = 0; k < width; k++) words[to + k] = column.words[from + k]!;
    },
    equals(column, row, entry) {
      if (column.kind !== "words") return false;
      if (!nulls.none || column.vector.nullCount > 0) {
        const isNull = isNullKey(column, row);
        if (isNull !== nulls.has(entry)) return false;
        if (isNull) return true;
      }
      const from = width * place(column, row);
      const to = width * entry;
      if (column.words[from] !== words[to]) return false;
      for (let k = 1; k < width; k++) if (column.words[from + k] !== words[to + k]) return false;
      return true;
    },
    vector(count) {
      const base = { type, length: count, ...nulls.validity(count) };
      if (type.kind === "null") return { ...base, layout: "null", nullCount: count, validity: undefined };
      if (type.kind === "boolean") {
        const values = new Uint8Array((count + 7) >> 3);
        for (let i = 0; i < count; i++) values[i >> 3]! |= words[i]! << (i & 7);
        return { ...base, layout: "boolean", values };
      }
      const stride = type.kind === "uuid" ? 16 : type.kind === "decimal" ? decimalWords(type.precision) : 1;
      const values = fixedValues(type, count * stride);
      if (type.kind === "int8" || type.kind === "int16") values.set(words.subarray(0, count) as never);
      else new Int32Array(values.buffer).set(words.subarray(0, count * width));
      return { ...base, layout: "fixed", values };
    },
    bytes: () => words.byteLength + nulls.bytes(),
  };
}

function byteStore(type: ColumnType, expected: number): KeyStore {
  let offsets = new Int32Array(expected + 1);
  let data = new Uint8Array(16 * expected);
  const nulls = nullMarks(expected);
  return {
    add(column, row, entry) {
      if (column.kind !== "bytes") return;
      if (entry + 1 === offsets.length) offsets = grownWords(offsets);
      nulls.add(column, row, entry);
      const at = place(column, row);
      const [start, end] = nulls.has(entry) ? [0, 0] : [column.offsets[at]!, column.offsets[at + 1]!];
      const from = offsets[entry]!;
      const size = checkedOffset(from + end - start);
      if (size > data.length) {
        const larger = new Uint8Array(Math.max(size, data.length + (data.length >> 1), 1024));
        larger.set(data.subarray(0, from));
        data = larger;
      }
      for (let k = start, to = from; k < end; k++, to++) data[to] = column.data[k]!;
      offsets[entry + 1] = size;
    },
    equals(column, row, entry) {
      if (column.kind !== "bytes") return false;
      if (!nulls.none || column.vector.nullCount > 0) {
        const isNull = isNullKey(column, row);
        if (isNull !== nulls.has(entry)) return false;
        if (isNull) return true;
      }
      const at = place(column, row);
      const start = column.offsets[at]!;
      const length = column.offsets[at + 1]! - start;
      const from = offsets[entry]!;
      if (offsets[entry + 1]! - from !== length) return false;
      for (let k = 0; k < length; k++) if (data[from + k] !== column.data[start + k]) return false;
      return true;
    },
    vector: (count) => ({
      type,
      length: count,
      ...nulls.validity(count),
      layout: "bytes",
      offsets: offsets.slice(0, count + 1),
      data: data.slice(0, offsets[count]),
    }),
    bytes: () => offsets.byteLength + data.byteLength + nulls.bytes(),
  };
}

function place({ codes }: KeyColumn, row: number): number {
  return codes === undefined ? row : codes[row]!;
}

function grownWords(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(2 * words.length, 64));
  larger.set(words);
  return larger;
}

/** Which entries are null: nothing is kept while none is. */
function nullMarks(expected: number): {
  readonly none: boolean;
  add(column: KeyColumn, row: number, entry: number): void;
  has(entry: number): boolean;
  validity(count: number): { nullCount: number; validity: Uint8Array | undefined };
  bytes(): number;
} {
  let marks: Uint8Array | undefined;
  let entries: number[] = [];
  return {
    get none() {
      return marks === undefined;
    },
    add(column, row, entry) {
      if (!isNullKey(column, row)) return;
      marks ??= new Uint8Array((expected + 8) >> 3);
      if (entry >> 3 >= marks.length) {
        const larger = new Uint8Array(Math.max(2 * marks.length, (entry >> 3) + 1));
        larger.set(marks);
        marks = larger;
      }
      marks[entry >> 3]! |= 1 << (entry & 7);
      entries.push(entry);
    },
    has: (entry) => marks !== undefined && ((marks[entry >> 3] ?? 0) >> (entry & 7)) % 2 === 1,
    validity(count) {
      const found = entries.filter((entry) => entry < count);
      if (found.length === 0) return { nullCount: 0, validity: undefined };
      const validity = new Uint8Array((count + 7) >> 3).fill(0xff);
      for (const entry of found) validity[entry >> 3]! &= ~(1 << (entry & 7));
      return { nullCount: found.length, validity };
    },
    bytes: () => (marks?.byteLength ?? 0) + 8 * entries.length,
  };
}
