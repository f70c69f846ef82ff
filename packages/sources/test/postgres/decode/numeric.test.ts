import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CopyMemory } from "../../../src/postgres/decode/memory.ts";
import { numericText } from "../../../src/postgres/decode/numeric.ts";
import { planType } from "../../../src/postgres/types.ts";
import { newSeed, random } from "./stream.ts";
import { wireNumeric } from "./wire.ts";
import { scalarReader } from "@alluvium/core/columns";

function read(
  values: readonly Uint8Array[],
  precision: number,
  scale: number,
  bare: boolean,
): { readonly values: unknown[]; readonly special: string[] } {
  const special: string[] = [];
  const policy = { numeric: bare ? { precision, scale } : "text", special: "error", arrays: "list" } as const;
  const plan = planType(1700, bare ? -1 : ((precision << 16) | scale) + 4, new Map(), policy);
  const reader = plan.reader({ onSpecial: (text) => special.push(text), onShape: () => {} });
  // Each value stands after its length.
  const stream = Buffer.concat(values.flatMap((value) => [Buffer.from([0, 0, 0, value.length]), value]));
  const memory = new CopyMemory(1, stream.length);
  memory.bytes.set(stream, memory.stream);
  const starts = new Int32Array(values.length);
  let at = memory.stream;
  values.forEach((value, i) => {
    starts[i] = at + 4;
    at += 4 + value.length;
  });
  const { bytes, view } = memory;
  reader.read({ memory, bytes, view, rows: values.length, starts, stride: values.length }, 0);
  const vector = reader.builder.finish();
  const value = scalarReader(vector);
  return { values: values.map((_, i) => value(i)), special };
}

describe.each([false, true])("bare numeric: %s", (bare) => {
  test("every declared precision holds its values exactly", () => {
    const declared = fc
      .integer({ min: 1, max: 38 })
      .chain((precision) =>
        fc.tuple(
          fc.constant(precision),
          fc.integer({ min: 0, max: precision }),
          fc.array(unscaled(precision), { minLength: 1, maxLength: 20 }),
        ),
      );
    fc.assert(
      fc.property(declared, ([precision, scale, list]) => {
        const result = read(
          list.map((value) => wireNumeric(value, scale)),
          precision,
          scale,
          bare,
        );
        expect(result).toEqual({ values: list, special: [] });
      }),
      { numRuns: 400 },
    );
  });
});

/** Numbers of up to so many digits, with the extremes and round ones among them. */
function unscaled(precision: number): fc.Arbitrary<bigint> {
  const most = 10n ** BigInt(precision) - 1n;
  return fc.oneof(
    fc.bigInt({ min: -most, max: most }),
    fc.constantFrom(most, -most, 0n),
    fc.integer({ min: 0, max: precision - 1 }).map((power) => -(10n ** BigInt(power))),
    fc.bigInt({ min: -9999n, max: 9999n }).map((value) => (value > most || value < -most ? 1n : value)),
  );
}

/** A numeric as it stands in the stream, whether a server would send it so or not. */
function wire(groups: readonly number[], weight: number, sign: number): Uint8Array {
  const out = Buffer.alloc(8 + 2 * groups.length);
  [groups.length, weight & 0xffff, sign].forEach((word, i) => out.writeUInt16BE(word, 2 * i));
  groups.forEach((group, i) => out.writeUInt16BE(group, 8 + 2 * i));
  return out;
}

test("groups of digits in every place count by their weight, whatever the neighbours are", () => {
  const seed = newSeed();
  const next = random(seed);
  for (let scale = 0; scale <= 18; scale++)
    for (let weight = -5; weight <= 5; weight++)
      for (let count = 0; count <= 6; count++) {
        const groups = Array.from({ length: count }, () => Math.floor(next() * 10_000));
        // In units of 10 ** -20, and whether the column has the places and room for it.
        let units = 0n;
        groups.forEach((group, i) => (units += BigInt(group) * 10n ** BigInt(4 * (weight - i) + 44)));
        const unit = 10n ** BigInt(44 - scale);
        const held = count === 0 ? 0n : units / unit;
        const fits = units % unit === 0n && held < 10n ** 18n && weight - count + 1 >= -Math.ceil(scale / 4);
        if (!fits || (count === 0 && weight !== 0)) continue;
        for (const sign of [0, 0x4000])
          expect(
            read([wire(groups, weight, sign), wire([9999], 0, 0)], 18, scale, false).values[0],
            `${groups.join()} at ${weight}, scale ${scale}, seed ${seed}`,
          ).toBe(sign === 0 ? held : -held);
      }
});

test("more places than the column has are no value, nor more digits than it can have", () => {
  const more = (scale: number): Uint8Array => wireNumeric(10n ** 12n + 1n, scale + 1);
  // A whole group of them is told with its text.
  for (const scale of [0, 4, 8, 12, 16])
    expect(read([more(scale)], 18, scale, false).special.length, `scale ${scale}`).toBe(1);
  for (const scale of [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18])
    expect(() => read([more(scale)], 18, scale, false), `scale ${scale}`).toThrow(
      /more digits or places than its column/,
    );
  expect(() => read([wire([1, 2, 3, 4, 5, 6, 7], 6, 0)], 18, 0, false)).toThrow(/cannot be decoded/);
});

test("what does not fit is told as the server prints it", () => {
  const values = [
    wireNumeric(12345n, 3),
    wireNumeric(10n ** 10n, 0),
    wireNumeric(-5n, 20),
    wireNumeric(1200n, 3),
  ];
  expect(read(values, 5, 2, true)).toEqual({
    values: [null, null, null, 120n],
    special: ["12.345", "10000000000", "-0.00000000000000000005"],
  });
});

test("a value prints as the server prints it", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
      fc.integer({ min: 0, max: 30 }),
      (value, scale) => {
        const wire = wireNumeric(value, scale);
        const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
        const expected = `${value < 0n ? "-" : ""}${digits.slice(0, digits.length - scale)}${scale > 0 ? `.${digits.slice(-scale)}` : ""}`;
        expect(numericText(new DataView(wire.buffer, wire.byteOffset, wire.byteLength), 0)).toBe(expected);
      },
    ),
  );
});
