import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { castVector, rowsOf, type FixedVector } from "../../src/columns/index.ts";
import { placedIds } from "../../src/nesting/ids.ts";

const uuid = { kind: "uuid" } as const;
const string = { kind: "string" } as const;

/** The text of UUIDs, row by row, by way of a cast. */
function textsOf(vector: FixedVector): readonly unknown[] {
  const columns = [castVector(vector, string)];
  const schema = { fields: [{ name: "id", type: string, nullable: true }] };
  return rowsOf({ schema, length: vector.length, columns }).map((row) => (row as { id: unknown }).id);
}

function textOf(bytes: Buffer): string {
  const digits = bytes.toString("hex");
  return [8, 12, 16, 20, 32].map((end, i) => digits.slice([0, 8, 12, 16, 20][i], end)).join("-");
}

test("UUIDs become their canonical text, wherever they stand and whatever they share", () => {
  const [one, other] = ["a", "b"].map((seed) => createHash("sha512").update(seed).digest());
  // Four that differ in all words, the same again, four others, and two that differ in the last byte only.
  const last = Buffer.from(one!.subarray(0, 16));
  last[15]! ^= 1;
  const bytes = Buffer.concat([one!, one!, other!, last, one!.subarray(0, 16)]);
  const length = bytes.length / 16;
  const all = Array.from({ length }, (_, i) => textOf(bytes.subarray(16 * i, 16 * i + 16)));
  for (const shift of [0, 1]) {
    const values = new Uint8Array(bytes.length + shift).subarray(shift);
    values.set(bytes);
    const whole = { layout: "fixed", type: uuid, length, nullCount: 0, validity: undefined, values } as const;
    expect(textsOf(whole)).toEqual(all);
    const validity = Uint8Array.of(0xfe, 0xf7);
    expect(textsOf({ ...whole, nullCount: 2, validity })).toEqual(
      all.map((text, row) => (row === 0 || row === 11 ? null : text)),
    );
  }
});

test("ids by place are the head of a hash and the row's number, also beyond 2^32", () => {
  const head = createHash("sha256").update("load\ntable").digest().subarray(0, 10);
  head[6] = 0x80 | (head[6]! & 0x0f);
  head[8] = 0x80 | (head[8]! & 0x3f);
  for (const first of [0, 123_456_789, 2 ** 31 - 1, 2 ** 32 - 2, 2 ** 47 + 5]) {
    const ids = textsOf(placedIds("load", "table", first, 4));
    const expected = [0, 1, 2, 3].map((row) => {
      const count = Buffer.alloc(6);
      count.writeUIntBE(first + row, 0, 6);
      return textOf(Buffer.concat([head, count]));
    });
    expect(ids).toEqual(expected);
  }
});
