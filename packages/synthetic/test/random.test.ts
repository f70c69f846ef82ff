import { describe, expect, test } from "vitest";
import { drawsFor, threefry2x32 } from "../src/random.ts";

describe("threefry2x32", () => {
  // The known answers that Random123 publishes for 13 rounds.
  test.for([
    { key: [0, 0], counter: [0, 0], answer: [0x9d1c5ec6, 0x8bd50731] },
    { key: [-1, -1], counter: [-1, -1], answer: [0xfd36d048, 0x2d17272c] },
    { key: [0x13198a2e, 0x03707344], counter: [0x243f6a88, 0x85a308d3], answer: [0xba3e4725, 0xf27d669e] },
  ])("$answer", ({ key, counter, answer }) => {
    const out = new Uint32Array(2);
    threefry2x32(key[0]!, key[1]!, counter[0]!, counter[1]!, out);
    expect([...out]).toEqual(answer);
  });
});

describe("draws", () => {
  test("are even: 256 bins of 1 M draws lie within five deviations of chi-square", () => {
    const draws = drawsFor(1, "test");
    const bins = new Float64Array(256);
    const count = 1 << 20;
    for (let row = 0; row < count; row++) bins[draws.bits(row) & 255]! += 1;
    const expected = count / 256;
    const chi = bins.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    expect(Math.abs(chi - 255) / Math.sqrt(2 * 255)).toBeLessThan(5);
  });

  test("neighbouring rows, draws and purposes are independent", () => {
    const a = drawsFor(1, "a");
    const b = drawsFor(1, "b");
    let sums = [0, 0, 0];
    const count = 100_000;
    for (let row = 0; row < count; row++) {
      const x = a.unit(row) - 0.5;
      sums = [
        sums[0]! + x * (a.unit(row + 1) - 0.5),
        sums[1]! + x * (a.unit(row, 1) - 0.5),
        sums[2]! + x * (b.unit(row) - 0.5),
      ];
    }
    for (const sum of sums) expect(Math.abs(sum / count / (1 / 12)) * Math.sqrt(count)).toBeLessThan(5);
  });

  test("rows beyond 2^32 differ from those below", () => {
    const draws = drawsFor(1, "a");
    expect(draws.bits(2 ** 32 + 5)).not.toBe(draws.bits(5));
  });
});
