import { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";
import type { BytesVector, FixedValues, Vector } from "./vector.ts";

/**
 * Column builders: growing typed arrays that become a {@link Vector}. They know layouts, not values: `columns/append.ts` puts
 * user values into them, connectors decode wire bytes straight into their arrays.
 *
 * To write fast: `reserve(n)`, write into `values`/`data` at `length`, then advance `length`. After `reserve` re-read the array
 * fields, because growing replaces them.
 */
export type Builder =
  | NullBuilder
  | BooleanBuilder
  | FixedBuilder
  | BytesBuilder
  | ListBuilder
  | MapBuilder
  | StructBuilder;

const INITIAL_ROWS = 1024;
const MAX_BYTES = 0x7fff_ffff;
const SMALL_BYTES = 1 << 16;

/** 64-bit words of a decimal: one up to 18 digits, two above. */
export function decimalWords(precision: number): 1 | 2 {
  return precision <= 18 ? 1 : 2;
}

/** Entries of the values array per row of a fixed-width type. */
export function fixedStride(type: ColumnType): number {
  if (type.kind === "decimal") return decimalWords(type.precision);
  return type.kind === "uuid" ? 16 : 1;
}

/** An array for `entries` entries of a fixed-width type. */
export function fixedValues(type: ColumnType, entries: number): FixedValues {
  switch (type.kind) {
    case "int8":
      return new Int8Array(entries);
    case "int16":
      return new Int16Array(entries);
    case "int32":
    case "date":
      return new Int32Array(entries);
    case "int64":
    case "time":
    case "timestamp":
    case "decimal":
      return new BigInt64Array(entries);
    case "float32":
      return new Float32Array(entries);
    case "float64":
      return new Float64Array(entries);
    case "uuid":
      return new Uint8Array(entries);
    default:
      throw new AlluviumError("ALV_INTERNAL", `${type.kind} has no fixed width`);
  }
}

/** What all builders share: length, nulls and their bitmap. */
abstract class BuilderBase {
  readonly type: ColumnType;
  /** Rows so far. */
  length = 0;
  /** Null rows so far. */
  nullCount = 0;
  /** Starts as all valid; a null clears its bit. Long enough for the reserved rows. */
  validity: Uint8Array;
  protected rows: number;

  constructor(type: ColumnType, rows: number) {
    this.type = type;
    this.rows = rows;
    this.validity = new Uint8Array((rows + 7) >> 3).fill(0xff);
  }

  /** Makes room for `count` more rows. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.rows) return;
    const rows = Math.max(needed, this.rows * 2);
    const validity = new Uint8Array((rows + 7) >> 3).fill(0xff);
    validity.set(this.validity);
    this.validity = validity;
    this.rows = rows;
    this.grow(rows);
  }

  /** Appends a null. */
  appendNull(): void {
    this.reserve(1);
    this.setNull();
  }

  /** Appends a null without making room: for use after `reserve`. */
  setNull(): void {
    const row = this.length;
    this.validity[row >> 3]! &= ~(1 << (row & 7));
    this.nullCount += 1;
    this.skip();
    this.length = row + 1;
  }

  /** Takes back the rows from `length` on: a row that turned out to be bad leaves no trace. */
  truncate(length: number): void {
    for (let row = length; row < this.length; row++) {
      const mask = 1 << (row & 7);
      if ((this.validity[row >> 3]! & mask) === 0) {
        this.nullCount -= 1;
        this.validity[row >> 3]! |= mask;
      }
    }
    this.length = length;
  }

  protected taken(): {
    type: ColumnType;
    length: number;
    nullCount: number;
    validity: Uint8Array | undefined;
  } {
    const { type, length, nullCount } = this;
    return { type, length, nullCount, validity: nullCount > 0 ? this.validity : undefined };
  }

  protected renew(): void {
    // Without nulls the bitmap was not handed over and has all its bits.
    if (this.nullCount > 0) this.validity = new Uint8Array((this.rows + 7) >> 3).fill(0xff);
    this.length = 0;
    this.nullCount = 0;
  }

  /**
   * Takes back the larger arrays of a vector that this builder made, to build others in them: new memory costs the system's work and the
   * collector's. Only for vectors that nobody reads any more, once each.
   */
  recycle(_vector: Vector): void {}

  /** Bytes held for the rows so far. */
  abstract readonly byteLength: number;
  /** Hands over the rows so far as a vector and starts anew. */
  abstract finish(): Vector;
  protected abstract grow(rows: number): void;
  protected abstract skip(): void;
}

/** Rows of a column whose type is not yet known. */
export class NullBuilder extends BuilderBase {
  get byteLength(): number {
    return 0;
  }
  override truncate(length: number): void {
    this.length = length;
    this.nullCount = Math.min(this.nullCount, length);
  }
  finish(): Vector {
    const { type, length } = this.taken();
    this.renew();
    return { layout: "null", type, length, nullCount: length, validity: undefined };
  }
  protected grow(): void {}
  protected skip(): void {}
}

/** Builds `boolean`. */
export class BooleanBuilder extends BuilderBase {
  /** One bit a row, least significant first; starts as all false. */
  values: Uint8Array;
  constructor(type: ColumnType, rows: number) {
    super(type, rows);
    this.values = new Uint8Array((rows + 7) >> 3);
  }
  get byteLength(): number {
    return this.length >> 2;
  }
  /** Appends a value. */
  append(value: boolean): void {
    this.reserve(1);
    const row = this.length;
    if (value) this.values[row >> 3]! |= 1 << (row & 7);
    this.length = row + 1;
  }
  override truncate(length: number): void {
    for (let row = length; row < this.length; row++) this.values[row >> 3]! &= ~(1 << (row & 7));
    super.truncate(length);
  }
  finish(): Vector {
    const vector: Vector = { layout: "boolean", ...this.taken(), values: this.values };
    this.values = new Uint8Array((this.rows + 7) >> 3);
    this.renew();
    return vector;
  }
  protected grow(rows: number): void {
    const values = new Uint8Array((rows + 7) >> 3);
    values.set(this.values);
    this.values = values;
  }
  protected skip(): void {}
}

/** Builds every type of one width; see {@link FixedVector} for the arrays. */
export class FixedBuilder extends BuilderBase {
  values: FixedValues;
  /** The same memory as 32-bit words: for 64-bit values the low word stands at `2 * row`, the high word after it. */
  words: Int32Array;
  /** Entries of `values` per row. */
  readonly stride: number;
  private spare: FixedValues[] = [];
  constructor(type: ColumnType, rows: number) {
    super(type, rows);
    this.stride = fixedStride(type);
    this.values = fixedValues(type, rows * this.stride);
    this.words = wordsOf(this.values);
  }
  get byteLength(): number {
    return this.length * (this.stride * this.values.BYTES_PER_ELEMENT);
  }
  finish(): Vector {
    const vector: Vector = { layout: "fixed", ...this.taken(), values: this.values };
    this.values = this.spare.pop() ?? fixedValues(this.type, this.rows * this.stride);
    this.words = wordsOf(this.values);
    this.renew();
    return vector;
  }
  override recycle(vector: Vector): void {
    if (vector.layout === "fixed" && vector.type === this.type && vector.values.length === this.values.length)
      this.spare.push(vector.values);
  }
  protected grow(rows: number): void {
    this.spare = [];
    const values = fixedValues(this.type, rows * this.stride);
    new Uint8Array(values.buffer).set(new Uint8Array(this.values.buffer));
    this.values = values;
    this.words = wordsOf(values);
  }
  protected skip(): void {}
}

function wordsOf(values: FixedValues): Int32Array {
  return new Int32Array(values.buffer, 0, values.byteLength >> 2);
}

/** Builds `string`, `json` and `binary`. */
export class BytesBuilder extends BuilderBase {
  /** `offsets[length]` is the end of the last row. */
  offsets: Int32Array;
  data: Uint8Array;
  /** Bytes of `data` in use. */
  dataLength = 0;
  private spare: BytesVector[] = [];
  constructor(type: ColumnType, rows: number) {
    super(type, rows);
    this.offsets = new Int32Array(rows + 1);
    this.data = new Uint8Array(rows * 16);
  }
  get byteLength(): number {
    return this.dataLength + 4 * this.length;
  }
  /** Makes room for `count` more bytes. */
  reserveBytes(count: number): void {
    const needed = this.dataLength + count;
    if (needed <= this.data.length) return;
    if (needed > MAX_BYTES)
      throw new AlluviumError(
        "ALV_VALUE_TOO_LARGE",
        `a column of one batch holds at most ${MAX_BYTES} bytes, ${needed} were asked for`,
      );
    const data = new Uint8Array(Math.min(MAX_BYTES, Math.max(needed, this.data.length * 2)));
    data.set(this.data.subarray(0, this.dataLength));
    this.data = data;
  }
  /** Appends the bytes `source[start, end)`. */
  appendBytes(source: Uint8Array, start: number, end: number): void {
    this.reserve(1);
    const size = end - start;
    this.reserveBytes(size);
    const { data, dataLength } = this;
    // A short copy by hand is several times faster than making a view for `set`.
    if (size < 48) for (let i = 0; i < size; i++) data[dataLength + i] = source[start + i]!;
    else data.set(source.subarray(start, end), dataLength);
    this.dataLength = dataLength + size;
    this.offsets[++this.length] = this.dataLength;
  }
  override truncate(length: number): void {
    super.truncate(length);
    this.dataLength = this.offsets[length]!;
  }
  finish(): Vector {
    const vector: Vector = { layout: "bytes", ...this.taken(), offsets: this.offsets, data: this.data };
    const spare = this.spare.pop();
    this.offsets = spare?.offsets ?? new Int32Array(this.rows + 1);
    // Room for what there was, and a little more. One huge value must not keep its room for good.
    const used = this.dataLength;
    this.data =
      spare !== undefined && spare.data.length >= used && spare.data.length <= 4 * used + SMALL_BYTES
        ? spare.data
        : new Uint8Array(Math.min(MAX_BYTES, used + (used >> 2) + 1024));
    this.dataLength = 0;
    this.renew();
    // Earlier rows may have stood in them.
    this.offsets[0] = 0;
    return vector;
  }
  override recycle(vector: Vector): void {
    if (vector.layout === "bytes" && vector.offsets.length === this.offsets.length) this.spare.push(vector);
  }
  protected grow(rows: number): void {
    this.spare = [];
    const offsets = new Int32Array(rows + 1);
    offsets.set(this.offsets);
    this.offsets = offsets;
  }
  protected skip(): void {
    this.offsets[this.length + 1] = this.dataLength;
  }
}

/** Builds `list`: append the elements to `child`, then call `close`. */
export class ListBuilder extends BuilderBase {
  offsets: Int32Array;
  readonly child: Builder;
  constructor(type: ColumnType, rows: number, child: Builder) {
    super(type, rows);
    this.offsets = new Int32Array(rows + 1);
    this.child = child;
  }
  get byteLength(): number {
    return 4 * this.length + this.child.byteLength;
  }
  /** Ends a row: the elements appended to `child` since the last row are its own. */
  close(): void {
    this.reserve(1);
    this.offsets[++this.length] = this.child.length;
  }
  override truncate(length: number): void {
    super.truncate(length);
    this.child.truncate(this.offsets[length]!);
  }
  finish(): Vector {
    const vector: Vector = {
      layout: "list",
      ...this.taken(),
      offsets: this.offsets,
      child: this.child.finish(),
    };
    this.offsets = new Int32Array(this.rows + 1);
    this.renew();
    return vector;
  }
  override recycle(vector: Vector): void {
    if (vector.layout === "list") this.child.recycle(vector.child);
  }
  protected grow(rows: number): void {
    const offsets = new Int32Array(rows + 1);
    offsets.set(this.offsets);
    this.offsets = offsets;
  }
  protected skip(): void {
    this.offsets[this.length + 1] = this.child.length;
  }
}

/** Builds `map`: append entries to `keys` and `values`, then call `close`. */
export class MapBuilder extends BuilderBase {
  offsets: Int32Array;
  readonly keys: Builder;
  readonly values: Builder;
  constructor(type: ColumnType, rows: number, keys: Builder, values: Builder) {
    super(type, rows);
    this.offsets = new Int32Array(rows + 1);
    this.keys = keys;
    this.values = values;
  }
  get byteLength(): number {
    return 4 * this.length + this.keys.byteLength + this.values.byteLength;
  }
  /** Ends a row: the entries appended since the last row are its own. */
  close(): void {
    this.reserve(1);
    this.offsets[++this.length] = this.keys.length;
  }
  override truncate(length: number): void {
    super.truncate(length);
    this.keys.truncate(this.offsets[length]!);
    this.values.truncate(this.offsets[length]!);
  }
  finish(): Vector {
    const vector: Vector = {
      layout: "map",
      ...this.taken(),
      offsets: this.offsets,
      keys: this.keys.finish(),
      values: this.values.finish(),
    };
    this.offsets = new Int32Array(this.rows + 1);
    this.renew();
    return vector;
  }
  override recycle(vector: Vector): void {
    if (vector.layout !== "map") return;
    this.keys.recycle(vector.keys);
    this.values.recycle(vector.values);
  }
  protected grow(rows: number): void {
    const offsets = new Int32Array(rows + 1);
    offsets.set(this.offsets);
    this.offsets = offsets;
  }
  protected skip(): void {
    this.offsets[this.length + 1] = this.keys.length;
  }
}

/** Builds `struct`: append one value to each child, then call `close`. A null struct appends a null to each child by itself. */
export class StructBuilder extends BuilderBase {
  readonly children: readonly Builder[];
  constructor(type: ColumnType, rows: number, children: readonly Builder[]) {
    super(type, rows);
    this.children = children;
  }
  get byteLength(): number {
    let sum = 0;
    for (const child of this.children) sum += child.byteLength;
    return sum;
  }
  /** Ends a row whose members have been appended to each child. */
  close(): void {
    this.reserve(1);
    this.length += 1;
  }
  override truncate(length: number): void {
    super.truncate(length);
    for (const child of this.children) child.truncate(length);
  }
  finish(): Vector {
    const vector: Vector = {
      layout: "struct",
      ...this.taken(),
      children: this.children.map((child) => child.finish()),
    };
    this.renew();
    return vector;
  }
  override recycle(vector: Vector): void {
    if (vector.layout === "struct") this.children.forEach((child, i) => child.recycle(vector.children[i]!));
  }
  protected grow(): void {}
  protected skip(): void {
    for (const child of this.children) child.appendNull();
  }
}

/**
 * A builder for `type`, with room for `rows` rows.
 *
 * @example
 * ```ts
 * const ids = createBuilder({ kind: "int32" });
 * ```
 */
export function createBuilder(type: ColumnType, rows: number = INITIAL_ROWS): Builder {
  switch (type.kind) {
    case "null":
      return new NullBuilder(type, rows);
    case "boolean":
      return new BooleanBuilder(type, rows);
    case "string":
    case "json":
    case "binary":
      return new BytesBuilder(type, rows);
    case "list":
      return new ListBuilder(type, rows, createBuilder(type.element.type, rows));
    case "map":
      return new MapBuilder(
        type,
        rows,
        createBuilder(type.key.type, rows),
        createBuilder(type.value.type, rows),
      );
    case "struct":
      return new StructBuilder(
        type,
        rows,
        type.fields.map((field) => createBuilder(field.type, rows)),
      );
    default:
      return new FixedBuilder(type, rows);
  }
}
