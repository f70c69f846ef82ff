import { vectorOf, type Batch, type Vector } from "../../src/columns/index.ts";
import type { ColumnType, Field, Schema } from "../../src/schema/types.ts";

/** A small generator of pseudo-random numbers (mulberry32), so that a seed repeats a test. */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed | 0;
  }
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  int(below: number): number {
    return Math.floor(this.next() * below);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }
  bigint(bits: number): bigint {
    let value = 0n;
    for (let have = 0; have < bits; have += 32)
      value = (value << 32n) | BigInt(Math.floor(this.next() * 2 ** 32));
    return BigInt.asIntN(bits, value);
  }
}

const scalars: readonly ((random: Random) => ColumnType)[] = [
  () => ({ kind: "boolean" }),
  () => ({ kind: "int8" }),
  () => ({ kind: "int16" }),
  () => ({ kind: "int32" }),
  () => ({ kind: "int64" }),
  () => ({ kind: "float32" }),
  () => ({ kind: "float64" }),
  (random) => {
    const precision = 1 + random.int(38);
    return { kind: "decimal", precision, scale: random.int(precision + 1) };
  },
  () => ({ kind: "string" }),
  () => ({ kind: "binary" }),
  () => ({ kind: "date" }),
  () => ({ kind: "time" }),
  (random) => ({ kind: "timestamp", zone: random.pick(["utc", "local"]) }),
  () => ({ kind: "uuid" }),
  () => ({ kind: "json" }),
];

function randomType(random: Random, depth: number): ColumnType {
  const choice = depth > 0 ? random.int(8) : 0;
  const field = (name: string, nullable: boolean = random.int(3) > 0): Field => ({
    name,
    nullable,
    type: randomType(random, depth - 1),
  });
  if (choice === 5) return { kind: "list", element: field("element") };
  if (choice === 6)
    return { kind: "struct", fields: Array.from({ length: 1 + random.int(3) }, (_, i) => field(`m${i}`)) };
  if (choice === 7)
    return {
      kind: "map",
      key: { name: "key", nullable: false, type: random.pick(scalars)(random) },
      value: field("value"),
    };
  return random.pick(scalars)(random);
}

export function randomSchema(random: Random, columns: number, depth: number): Schema {
  return {
    fields: Array.from({ length: columns }, (_, i) => ({
      name: `c${i}`,
      nullable: random.int(3) > 0,
      type: randomType(random, depth),
      ...(random.int(4) === 0 && { id: i + 1 }),
    })),
  };
}

/** How the values of one column come: from few or many, in which range, how often null. */
interface Style {
  readonly distinct: number;
  readonly small: boolean;
  readonly nulls: number;
  readonly sorted: boolean;
}

/** Batches of random rows. Some columns come as dictionary vectors, some from arrays that begin before the rows. */
export function randomBatches(random: Random, schema: Schema, rows: number): Batch[] {
  const styles = schema.fields.map((): Style => ({
    distinct: random.pick([1, 2, 9, 300, Infinity]),
    small: random.int(2) === 0,
    nulls: random.pick([0, 0, 0.02, 0.5, 1]),
    sorted: random.int(3) === 0,
  }));
  const batches: Batch[] = [];
  for (let done = 0; done < rows;) {
    const length = Math.min(rows - done, random.pick([0, 1, 7, 100, 1000]));
    const from = done;
    const columns = schema.fields.map((field, i): Vector => {
      const value = (row: number) => valueFor(random, field, styles[i]!, from + row);
      if (random.int(5) > 0)
        return vectorOf(
          field.type,
          Array.from({ length }, (_, row) => value(row)),
        );
      // A dictionary with unused entries; its values are not null.
      const entries = 1 + random.int(10);
      const dictionary = vectorOf(
        field.type,
        Array.from({ length: entries }, (_, row) =>
          valueFor(random, { ...field, nullable: false }, styles[i]!, row),
        ),
      );
      const codes = Int32Array.from({ length }, () => random.int(entries));
      let validity: Uint8Array | undefined;
      let nullCount = 0;
      if (field.nullable && length > 0 && random.int(2) === 0) {
        validity = new Uint8Array((length + 7) >> 3).fill(0xff);
        for (let row = 0; row < length; row += 3, nullCount++) validity[row >> 3]! &= ~(1 << (row & 7));
      }
      return { layout: "dictionary", type: field.type, length, nullCount, validity, codes, dictionary };
    });
    batches.push({ schema, length, columns });
    done += length;
    if (length === 0 && random.int(4) === 0) continue;
  }
  return batches;
}

function valueFor(random: Random, { type, nullable }: Field, style: Style, row: number): unknown {
  if (nullable && random.next() < style.nulls) return null;
  const seed = style.sorted ? Math.floor(row / 3) : random.int(2 ** 31);
  const source = style.distinct === Infinity ? random : new Random(seed % style.distinct);
  return scalarFor(source, type, style, random);
}

function scalarFor(source: Random, type: ColumnType, style: Style, random: Random): unknown {
  const wide = (bits: number) =>
    style.small ? BigInt(source.int(2000)) - 1000n : BigInt.asIntN(bits, source.bigint(Math.max(bits, 32)));
  switch (type.kind) {
    case "boolean":
      return source.int(2) === 0;
    case "int8":
      return Number(BigInt.asIntN(8, wide(8)));
    case "int16":
      return Number(BigInt.asIntN(16, wide(16)));
    case "int32":
      return Number(wide(32));
    case "int64":
      return source.int(20) === 0
        ? source.pick([-(2n ** 63n), 2n ** 63n - 1n, 0n])
        : wide(source.pick([40, 64]));
    case "float32":
      return Math.fround(floatFor(source, style));
    case "float64":
      return floatFor(source, style);
    case "decimal": {
      const digits = style.small ? Math.min(3, type.precision) : 1 + source.int(type.precision);
      let text = "";
      for (let i = 0; i < digits; i++) text += source.int(10);
      text = text.padStart(type.scale + 1, "0");
      const point = text.length - type.scale;
      // A whole digit more than the precision allows is only a leading zero.
      const sign = source.int(2) === 0 ? "-" : "";
      return `${sign}${text.slice(0, point)}${type.scale > 0 ? "." : ""}${text.slice(point)}`;
    }
    case "string":
      return textFor(source, style);
    case "json":
      return { k: source.int(100), t: textFor(source, style) };
    case "binary":
      return Uint8Array.from({ length: source.int(style.small ? 3 : 40) }, () => source.int(256));
    case "date":
      return new Date(864e5 * (style.small ? source.int(50) : source.int(40_000) - 10_000))
        .toISOString()
        .slice(0, 10);
    case "time":
      return `${String(source.int(24)).padStart(2, "0")}:30:${String(source.int(60)).padStart(2, "0")}.${String(source.int(1e6)).padStart(6, "0")}`;
    case "timestamp":
      return style.small ? BigInt(source.int(1e6)) : source.bigint(56);
    case "uuid": {
      const hex = Array.from({ length: 32 }, () => source.int(16).toString(16)).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    }
    case "list":
      return Array.from({ length: source.pick([0, 1, 2, 5]) }, () =>
        valueFor(random, type.element, style, 0),
      );
    case "struct":
      return Object.fromEntries(type.fields.map((field) => [field.name, valueFor(random, field, style, 0)]));
    case "map": {
      const map = new Map<unknown, unknown>();
      for (let i = source.pick([0, 1, 3]); i > 0; i--)
        map.set(scalarFor(source, type.key.type, style, random), valueFor(random, type.value, style, 0));
      return map;
    }
    case "null":
      return null;
  }
}

function floatFor(source: Random, style: Style): number {
  if (source.int(12) === 0) return source.pick([0, -0, Infinity, -Infinity, ...(style.small ? [] : [NaN])]);
  return style.small ? source.int(100) / 4 : (source.next() - 0.5) * 10 ** source.int(30);
}

function textFor(source: Random, style: Style): string {
  const parts = ["a", "ö", "Ω", "語", "😀", "zz", " ", "\u0000"];
  let text = "";
  for (let i = source.int(style.small ? 4 : 30); i > 0; i--) text += source.pick(parts);
  return text;
}
