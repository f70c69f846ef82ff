import { castVector } from "../columns/cast.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import { sameType } from "../schema/equal.ts";
import type { ColumnType } from "../schema/types.ts";
import { hashKeys, keyColumn, type KeyColumn } from "./key-column.ts";
import { keyStore } from "./key-store.ts";

/**
 * Keys of one or several columns, each with a number (its entry): the first key added is entry 0. Nulls equal one another, floats are equal by
 * value (`-0` and `0`, NaN and NaN). Keys are told apart by comparing values, never by their hashes alone.
 *
 * Beside the values of the keys it holds 12 to 24 bytes a key.
 */
export interface KeyIndex {
  /** Types of the key's columns. */
  readonly types: readonly ColumnType[];
  /** How many keys there are. */
  readonly size: number;
  /** Adds the keys of all rows and returns each row's entry; those from the earlier `size` on are new. */
  add(columns: readonly Vector[]): Int32Array;
  /**
   * Each row's entry, -1 where the key is not known. Fastest where most are not known. `entries`: the array to use, as long as the rows or
   * longer.
   */
  probe(columns: readonly Vector[], entries?: Int32Array): Int32Array;
  /** The columns of all keys, row i being entry i. */
  keys(): readonly Vector[];
  /** Bytes of memory held. */
  bytes(): number;
}

/** Rows that are hashed at a time: their hashes stay in the first cache. */
const CHUNK = 2048;

/**
 * An empty index. Columns given to it later may be of narrower types (files written before a column was widened): they are cast.
 *
 * @example
 * ```ts
 * const index = createKeyIndex([{ kind: "int64" }]);
 * index.add([vectorOf({ kind: "int64" }, [7n, 9n])]);
 * index.probe([vectorOf({ kind: "int64" }, [9n, 8n])]); // 1, -1
 * ```
 */
export function createKeyIndex(
  types: readonly ColumnType[],
  options: { readonly expected?: number } = {},
): KeyIndex {
  const expected = Math.max(options.expected ?? 0, 16);
  const stores = types.map((type) => keyStore(type, expected));
  let size = 0;
  let slots = new Int32Array(tableSize(expected));
  let hashes = new Int32Array(expected);
  // One bit for a part of the hash: most keys that are not there are known by it alone, without a look at the table.
  let filter: Int32Array | undefined;
  let filterShift = 0;
  const scratch = new Int32Array(CHUNK);
  let known: { readonly dictionary: Vector; readonly size: number; readonly entries: Int32Array } | undefined;

  function viewsOf(columns: readonly Vector[]): KeyColumn[] {
    return columns.map((column, i) =>
      keyColumn(sameType(column.type, types[i]!) ? column : castVector(column, types[i]!, "key")),
    );
  }

  function hashChunk(views: readonly KeyColumn[], start: number, end: number): void {
    scratch.fill(0x2545f491, 0, end - start);
    for (const view of views) hashKeys(view, start, end, scratch);
    for (let i = 0; i < end - start; i++) {
      const hash = Math.imul(scratch[i]!, 0x85ebca6b);
      scratch[i] = hash ^ (hash >>> 13);
    }
  }

  /** The entry of a row's key, or the complement of the slot where it would go. */
  function find(views: readonly KeyColumn[], row: number, hash: number): number {
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = slots[slot]! - 1;
      if (entry < 0) return ~slot;
      if (hashes[entry] === hash) {
        let same = true;
        for (let k = 0; same && k < stores.length; k++) same = stores[k]!.equals(views[k]!, row, entry);
        if (same) return entry;
      }
      slot = (slot + 1) & mask;
    }
  }

  function grow(): void {
    const larger = new Int32Array(2 * hashes.length);
    larger.set(hashes);
    hashes = larger;
    const length = tableSize(hashes.length);
    if (length === slots.length) return;
    slots = new Int32Array(length);
    for (let entry = 0; entry < size; entry++) {
      let slot = hashes[entry]! & (length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (length - 1);
      slots[slot] = entry + 1;
    }
  }

  function buildFilter(): Int32Array {
    const bits = Math.max(10, 36 - Math.clz32(Math.max(size, 1) - 1));
    const built = new Int32Array(2 ** (Math.min(bits, 31) - 5));
    filterShift = 32 - Math.min(bits, 31);
    for (let entry = 0; entry < size; entry++) {
      const bit = hashes[entry]! >>> filterShift;
      built[bit >>> 5]! |= 1 << (bit & 31);
    }
    return built;
  }

  function probe(columns: readonly Vector[], entries = new Int32Array(lengthOf(columns))): Int32Array {
    const length = lengthOf(columns);
    const [only] = columns;
    if (only?.layout === "dictionary" && columns.length === 1 && only.dictionary.length < length)
      return probeCodes(only, entries);
    entries.fill(-1, 0, length);
    if (size === 0) return entries;
    const views = viewsOf(columns);
    const bits = (filter ??= buildFilter());
    for (let start = 0; start < length; start += CHUNK) {
      const end = Math.min(start + CHUNK, length);
      hashChunk(views, start, end);
      probeChunk(views, start, end - start, bits, entries);
    }
    return entries;
  }

  function probeChunk(
    views: readonly KeyColumn[],
    start: number,
    count: number,
    bits: Int32Array,
    entries: Int32Array,
  ): void {
    for (let i = 0; i < count; i++) {
      const hash = scratch[i]!;
      const bit = hash >>> filterShift;
      if (((bits[bit >>> 5]! >>> (bit & 31)) & 1) === 0) continue;
      const entry = find(views, start + i, hash);
      if (entry >= 0) entries[start + i] = entry;
    }
  }

  function addChunk(views: readonly KeyColumn[], start: number, count: number, entries: Int32Array): void {
    for (let i = 0; i < count; i++) {
      const hash = scratch[i]!;
      let entry = find(views, start + i, hash);
      if (entry < 0) {
        if (size === hashes.length) {
          grow();
          entry = find(views, start + i, hash);
        }
        const slot = ~entry;
        entry = size++;
        for (let k = 0; k < stores.length; k++) stores[k]!.add(views[k]!, start + i, entry);
        hashes[entry] = hash;
        slots[slot] = entry + 1;
      }
      entries[start + i] = entry;
    }
  }

  function probeCodes(column: Vector & { layout: "dictionary" }, entries: Int32Array): Int32Array {
    const { dictionary, codes, length, nullCount } = column;
    if (known?.dictionary !== dictionary || known.size !== size)
      known = { dictionary, size, entries: probe([dictionary]) };
    const found = known.entries;
    if (nullCount === 0) {
      for (let row = 0; row < length; row++) entries[row] = found[codes[row]!]!;
      return entries;
    }
    const [none] = probe([
      { layout: "null", type: { kind: "null" }, length: 1, nullCount: 1, validity: undefined },
    ]);
    for (let row = 0; row < length; row++) entries[row] = isValid(column, row) ? found[codes[row]!]! : none!;
    return entries;
  }

  return {
    types,
    get size() {
      return size;
    },
    add(columns) {
      const length = lengthOf(columns);
      const entries = new Int32Array(length);
      const views = viewsOf(columns);
      filter = undefined;
      for (let start = 0; start < length; start += CHUNK) {
        const end = Math.min(start + CHUNK, length);
        hashChunk(views, start, end);
        addChunk(views, start, end - start, entries);
      }
      return entries;
    },
    probe,
    keys: () => stores.map((store) => store.vector(size)),
    bytes: () =>
      slots.byteLength +
      hashes.byteLength +
      (filter?.byteLength ?? 0) +
      stores.reduce((sum, store) => sum + store.bytes(), 0),
  };
}

function lengthOf(columns: readonly Vector[]): number {
  return columns[0]?.length ?? 0;
}

/** Slots for so many keys: a power of two, at most two thirds of them used. */
function tableSize(keys: number): number {
  return 2 ** Math.ceil(Math.log2(1.5 * keys));
}
