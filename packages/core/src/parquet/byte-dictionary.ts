const FIRST_SLOTS = 256;
const RECENT_BITS = 9;
// Values made to collide end the dictionary instead of slowing the load down.
const MAX_PROBES = 4096;

/** The distinct byte strings of a column in the order they came, found by an open hash table over their bytes. */
export class ByteDictionary {
  /** Distinct values so far. */
  size = 0;
  /** `offsets[size]` is the end of the last value. */
  offsets: Int32Array = new Int32Array(FIRST_SLOTS / 2 + 1);
  data: Uint8Array = new Uint8Array(1024);
  private hashes = new Int32Array(FIRST_SLOTS / 2);
  private table = new Int32Array(FIRST_SLOTS);
  private dataView: DataView;
  /** Entries (plus one) of one byte. */
  private readonly single = new Int32Array(256);
  /** Entries (plus one) by length, first and last bytes: where values are few these mostly tell them, without a hash of all bytes. */
  private readonly recent = new Int32Array(1 << RECENT_BITS);
  private readonly maxEntries: number;
  private readonly maxBytes: number;

  constructor(maxEntries: number, maxBytes: number) {
    this.maxEntries = maxEntries;
    this.maxBytes = maxBytes;
    this.dataView = new DataView(this.data.buffer);
  }

  /** Bytes held. */
  get memory(): number {
    return this.data.length + this.offsets.byteLength + this.hashes.byteLength + this.table.byteLength;
  }

  /**
   * The index of `source[start, end)`, which is taken in if it is new; -1 when there is no room for it. `view` is over `source`:
   * four bytes at a time are read through it.
   */
  indexOf(source: Uint8Array, view: DataView, start: number, end: number): number {
    const length = end - start;
    if (length === 1) {
      const known = this.single[source[start]!]!;
      if (known !== 0) return known - 1;
      const index = this.find(source, view, start, end);
      this.single[source[start]!] = index + 1;
      return index;
    }
    const { recent } = this;
    let guess = length;
    if (length >= 4)
      guess +=
        Math.imul(view.getInt32(start, true), 0x9e3779b1) ^
        Math.imul(view.getInt32(end - 4, true), 0x85ebca77);
    else if (length > 0) guess += Math.imul((source[start]! << 8) | source[end - 1]!, 0x9e3779b1);
    guess >>>= 32 - RECENT_BITS;
    const known = recent[guess]! - 1;
    if (known >= 0 && this.equals(known, source, view, start, length)) return known;
    const index = this.find(source, view, start, end);
    recent[guess] = index + 1;
    return index;
  }

  private equals(entry: number, source: Uint8Array, view: DataView, start: number, length: number): boolean {
    const from = this.offsets[entry]!;
    if (this.offsets[entry + 1]! - from !== length) return false;
    const { data, dataView } = this;
    let i = 0;
    for (; i + 4 <= length; i += 4)
      if (dataView.getInt32(from + i, true) !== view.getInt32(start + i, true)) return false;
    for (; i < length; i++) if (data[from + i] !== source[start + i]) return false;
    return true;
  }

  private find(source: Uint8Array, view: DataView, start: number, end: number): number {
    const { table } = this;
    const length = end - start;
    let hash = Math.imul(length, 0x9e3779b1);
    let i = start;
    for (; i + 4 <= end; i += 4) {
      hash = Math.imul(hash ^ view.getInt32(i, true), 0x85ebca77);
      hash ^= hash >>> 15;
    }
    for (; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
    const mask = table.length - 1;
    let slot = hash >>> Math.clz32(mask);
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const entry = table[slot]! - 1;
      if (entry < 0) return this.add(source, start, end, hash, slot);
      if (this.hashes[entry] === hash && this.equals(entry, source, view, start, length)) return entry;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  private add(source: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const entry = this.size;
    const from = this.offsets[entry]!;
    const to = from + end - start;
    if (entry >= this.maxEntries || to > this.maxBytes) return -1;
    if (to > this.data.length) {
      const data = new Uint8Array(Math.max(to, this.data.length * 2));
      data.set(this.data.subarray(0, from));
      this.data = data;
      this.dataView = new DataView(data.buffer);
    }
    this.data.set(source.subarray(start, end), from);
    this.offsets[entry + 1] = to;
    this.hashes[entry] = hash;
    this.table[slot] = entry + 1;
    this.size = entry + 1;
    if (this.size * 2 >= this.table.length) this.grow();
    return entry;
  }

  private grow(): void {
    const table = new Int32Array(this.table.length * 2);
    const mask = table.length - 1;
    const shift = Math.clz32(mask);
    for (let entry = 0; entry < this.size; entry++) {
      let slot = this.hashes[entry]! >>> shift;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = entry + 1;
    }
    this.table = table;
    const offsets = new Int32Array(table.length / 2 + 1);
    offsets.set(this.offsets);
    this.offsets = offsets;
    const hashes = new Int32Array(table.length / 2);
    hashes.set(this.hashes);
    this.hashes = hashes;
  }
}
