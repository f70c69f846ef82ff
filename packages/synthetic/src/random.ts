/**
 * Counter-based random numbers: a draw is a pure function of (seed, purpose, row, draw), so any row can be made alone, in any order,
 * by any process, and a new column changes no other one.
 *
 * Threefry-2x32 with 13 rounds (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011);
 * passes the published test vectors of Random123.
 */
export interface Draws {
  /** A whole number of 32 bits. */
  bits(row: number, draw?: number): number;
  /** A number in [0, 1). */
  unit(row: number, draw?: number): number;
  /** A whole number in [0, `below`). */
  below(row: number, below: number, draw?: number): number;
}

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const ROUNDS = 13;

/** The block function: two words from a key and a counter of two words each. `out` takes the second word at 1. */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array,
): void {
  const keys = [key0, key1, PARITY ^ key0 ^ key1] as const;
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < ROUNDS; round++) {
    x0 = (x0 + x1) | 0;
    const turn = ROTATIONS[round & 7]!;
    x1 = ((x1 << turn) | (x1 >>> (32 - turn))) ^ x0;
    if ((round & 3) === 3) {
      const injection = (round + 1) >> 2;
      x0 = (x0 + keys[injection % 3]!) | 0;
      x1 = (x1 + keys[(injection + 1) % 3]! + injection) | 0;
    }
  }
  out[0] = x0;
  out[1] = x1;
}

/** Draws for one purpose (a table's column, a customer's lifetime …) of a world. */
export function drawsFor(seed: number, purpose: string): Draws {
  const out = new Uint32Array(2);
  // The purpose becomes a key by being absorbed through the block function, four bytes at a time.
  threefry2x32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, purpose.length, 0, out);
  let key0 = out[0]!;
  let key1 = out[1]!;
  for (let i = 0; i < purpose.length; i++) {
    threefry2x32(key0, key1, purpose.charCodeAt(i), i, out);
    key0 = out[0]!;
    key1 = out[1]!;
  }
  const bits = (row: number, draw = 0): number => {
    // Rows go up to 2^53: the high part is mixed with the draw number, which stays below 2^10.
    threefry2x32(key0, key1, row >>> 0, (Math.floor(row / 2 ** 32) << 10) | draw, out);
    return out[0]!;
  };
  return {
    bits,
    unit: (row, draw) => bits(row, draw) / 2 ** 32,
    below: (row, below, draw) => Math.floor((bits(row, draw) / 2 ** 32) * below),
  };
}
