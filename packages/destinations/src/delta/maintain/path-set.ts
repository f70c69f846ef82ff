import { hash } from "node:crypto";

/**
 * A set of paths in 8 bytes for each (up to twice as many while it grows): it keeps 64 bits of their hashes. It may take a path for one
 * that it holds, with a chance of 2^-64 for each pair; whoever deletes what is *not* in it errs on the side of keeping.
 */
export interface PathSet {
  /** `false`: there is no room. */
  add(path: string): boolean;
  has(path: string): boolean;
}

/** Tells the paths of one pass from those of others, where a set for all of them would not fit. */
export interface Pass {
  readonly number: number;
  readonly of: number;
}

/** Whether a path belongs to a pass. */
export function inPass(path: string, { number, of }: Pass): boolean {
  return of === 1 || digest(path)[2] % of === number;
}

/** An empty {@link PathSet} of at most so many bytes. */
export function createPathSet(maxBytes: number): PathSet {
  // Pairs of 32 bits; 0, 0 is a free place.
  let places = new Uint32Array(2 * 1024);
  let count = 0;
  const placeOf = (table: Uint32Array, low: number, high: number): number => {
    const size = table.length / 2;
    for (let at = low % size; ; at = at + 1 === size ? 0 : at + 1) {
      const [a, b] = [table[2 * at]!, table[2 * at + 1]!];
      if ((a === 0 && b === 0) || (a === low && b === high)) return at;
    }
  };
  const grow = (): boolean => {
    if (places.byteLength * 3 > maxBytes) return false;
    const next = new Uint32Array(places.length * 2);
    for (let i = 0; i < places.length; i += 2) {
      const [low, high] = [places[i]!, places[i + 1]!];
      if (low === 0 && high === 0) continue;
      const at = placeOf(next, low, high);
      next[2 * at] = low;
      next[2 * at + 1] = high;
    }
    places = next;
    return true;
  };
  return {
    add(path) {
      if (count * 3 > places.length && !grow()) return false;
      const [low, high] = digest(path);
      const at = placeOf(places, low, high);
      if (places[2 * at] === 0 && places[2 * at + 1] === 0) count += 1;
      places[2 * at] = low;
      places[2 * at + 1] = high;
      return true;
    },
    has(path) {
      const [low, high] = digest(path);
      const at = placeOf(places, low, high);
      return places[2 * at] === low && places[2 * at + 1] === high;
    },
  };
}

function digest(path: string): readonly [number, number, number] {
  const bytes = hash("sha1", path, "buffer");
  return [bytes.readUInt32LE(0) || 1, bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
}
