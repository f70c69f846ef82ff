import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CopyMemory } from "../../../src/postgres/decode/memory.ts";
import { numericText } from "../../../src/postgres/decode/numeric.ts";
import { planType } from "../../../src/postgres/types.ts";
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
