import { KnownWords } from "./known-words.ts";

/** Words of 32 bits that make up one value of a fixed-width column. */
export type Words = 1 | 2 | 4;

const FIRST_SLOTS = 512;

/**
 * The distinct values of a fixed-width column in the order they came, found by an open hash table over their raw words: two values
 * are one when all their bits are equal, so the two zeros of a float stay apart.
 */
export class WordDictionary {
  /** Distinct values so far. */
  size = 0;
  /** `words` per distinct value. */
  entries: Int32Array;
  readonly words: Words;
  private readonly limit: number;
  private table: Int32Array = new Int32Array(FIRST_SLOTS);
  /** Absent for values of four words, which seldom come again. */
  private known: KnownWords | undefined;

  /** Takes at most `limit` distinct values. */
  constructor(words: Words, limit: number) {
    this.words = words;
    this.limit = limit;
    this.entries = new Int32Array((FIRST_SLOTS / 2) * words);
    this.clear();
  }

  /** Bytes held. */
  get memory(): number {
    return this.entries.byteLength + this.table.byteLength + (this.known?.memory ?? 0);
  }

  /** Forgets all values, and keeps the memory. */
  clear(): void {
    this.size = 0;
    this.table.fill(0);
    this.known = this.words === 4 ? undefined : new KnownWords(this.words);
  }

  /**
   * Writes the index of each of `count` values to `out` from `at` on. Returns how many it did: fewer when the dictionary is full.
   * `limit` may be tighter than the dictionary's own.
   */
  index(values: Int32Array, count: number, out: Int32Array, at: number, limit: number = this.limit): number {
    // What is not known is looked up in the whole table, which takes it in if it is new.
    const one = (row: number): number =>
      this.lookUp(values, row, row + 1, out, at, limit) > row ? out[at + row]! : -1;
    const done = this.known?.index(values, count, out, at, one) ?? 0;
    return this.lookUp(values, done, count, out, at, limit);
  }

  /** The same of rows `[from, to)`, by the whole table. */
  private lookUp(
    values: Int32Array,
    from: number,
    to: number,
    out: Int32Array,
    at: number,
    limit: number,
  ): number {
    if (this.words === 1) return this.index1(values, from, to, out, at, limit);
    if (this.words === 2) return this.index2(values, from, to, out, at, limit);
    return this.index4(values, from, to, out, at, limit);
  }

  private index1(
    values: Int32Array,
    from: number,
    to: number,
    out: Int32Array,
    at: number,
    limit: number,
  ): number {
    let { table, entries } = this;
    let mask = table.length - 1;
    // The highest bits of a product depend on all bits of the value, the lowest only on the lowest.
    let shift = Math.clz32(mask);
    for (let i = from; i < to; i++) {
      const value = values[i]!;
      let slot = Math.imul(value, 0x9e3779b1) >>> shift;
      for (;;) {
        const entry = table[slot]! - 1;
        if (entry < 0) {
          if (this.size >= limit) return i;
          entries[this.size] = value;
          table[slot] = ++this.size;
          out[at + i] = this.size - 1;
          if (this.size * 2 >= table.length) {
            this.grow();
            ({ table, entries } = this);
            mask = table.length - 1;
            shift = Math.clz32(mask);
          }
          break;
        }
        if (entries[entry] === value) {
          out[at + i] = entry;
          break;
        }
        slot = (slot + 1) & mask;
      }
    }
    return to;
  }

  private index2(
    values: Int32Array,
    from: number,
    to: number,
    out: Int32Array,
    at: number,
    limit: number,
  ): number {
    let { table, entries } = this;
    let mask = table.length - 1;
    // The highest bits of a product depend on all bits of the value, the lowest only on the lowest.
    let shift = Math.clz32(mask);
    for (let i = from; i < to; i++) {
      const low = values[2 * i]!;
      const top = values[2 * i + 1]!;
      let slot = (Math.imul(low, 0x9e3779b1) ^ Math.imul(top, 0x85ebca77)) >>> shift;
      for (;;) {
        const entry = table[slot]! - 1;
        if (entry < 0) {
          if (this.size >= limit) return i;
          entries[2 * this.size] = low;
          entries[2 * this.size + 1] = top;
          table[slot] = ++this.size;
          out[at + i] = this.size - 1;
          if (this.size * 2 >= table.length) {
            this.grow();
            ({ table, entries } = this);
            mask = table.length - 1;
            shift = Math.clz32(mask);
          }
          break;
        }
        if (entries[2 * entry] === low && entries[2 * entry + 1] === top) {
          out[at + i] = entry;
          break;
        }
        slot = (slot + 1) & mask;
      }
    }
    return to;
  }

  private index4(
    values: Int32Array,
    from: number,
    to: number,
    out: Int32Array,
    at: number,
    limit: number,
  ): number {
    let { table, entries } = this;
    let mask = table.length - 1;
    // The highest bits of a product depend on all bits of the value, the lowest only on the lowest.
    let shift = Math.clz32(mask);
    for (let i = from; i < to; i++) {
      const v = 4 * i;
      let slot = hash4(values, v) >>> shift;
      for (;;) {
        const entry = table[slot]! - 1;
        if (entry < 0) {
          if (this.size >= limit) return i;
          for (let w = 0; w < 4; w++) entries[4 * this.size + w] = values[v + w]!;
          table[slot] = ++this.size;
          out[at + i] = this.size - 1;
          if (this.size * 2 >= table.length) {
            this.grow();
            ({ table, entries } = this);
            mask = table.length - 1;
            shift = Math.clz32(mask);
          }
          break;
        }
        const e = 4 * entry;
        if (
          entries[e] === values[v] &&
          entries[e + 1] === values[v + 1] &&
          entries[e + 2] === values[v + 2] &&
          entries[e + 3] === values[v + 3]
        ) {
          out[at + i] = entry;
          break;
        }
        slot = (slot + 1) & mask;
      }
    }
    return to;
  }

  /** Doubles the table; half of its slots stay empty. */
  private grow(): void {
    const { words, size } = this;
    const table = new Int32Array(this.table.length * 2);
    const mask = table.length - 1;
    const shift = Math.clz32(mask);
    const entries = new Int32Array((table.length / 2) * words);
    entries.set(this.entries);
    for (let entry = 0; entry < size; entry++) {
      let slot = hashAt(entries, entry * words, words) >>> shift;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = entry + 1;
    }
    this.table = table;
    this.entries = entries;
  }
}

function hashAt(values: Int32Array, i: number, words: Words): number {
  if (words === 4) return hash4(values, i);
  const hash = Math.imul(values[i]!, 0x9e3779b1);
  return words === 1 ? hash : hash ^ Math.imul(values[i + 1]!, 0x85ebca77);
}

function hash4(values: Int32Array, i: number): number {
  let hash = Math.imul(values[i]!, 0x9e3779b1) ^ Math.imul(values[i + 1]!, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae3d) ^ Math.imul(values[i + 2]!, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 13), 0x165667b1) ^ values[i + 3]!;
  return Math.imul(hash, 0x9e3779b1);
}
