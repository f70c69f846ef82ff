import type { DecimalType } from "@alluvium/core";
import { FixedBuilder } from "@alluvium/core/columns";
import { appendWords, malformed, markNull, type ColumnReader, type OnSpecial } from "./block.ts";

/**
 * `numeric` in the binary format (numeric_send in src/backend/utils/adt/numeric.c): number of base-10000 digits, weight (the first
 * digit counts 10000^weight), sign, places shown, then the digits, 16 bits each; zero digits at either end are left out.
 */
const NEGATIVE = 0x4000;
/** Signs from here on: NaN 0xC000, infinity 0xD000, -infinity 0xF000. */
const SPECIAL = 0xc000;
const POWERS = [1, 10, 100, 1000, 10_000] as const;
/** Up to so many digits a value is 64 bits wide. */
const WORD_DIGITS = 18;

/**
 * A numeric column as decimals of `type`, exact. `checked`: the column's declaration does not bound its values (a bare numeric read with a
 * chosen precision), so that values with more digits than `type` has are special.
 */
export function numericReader(type: DecimalType, checked: boolean, onSpecial: OnSpecial): ColumnReader {
  const builder = new FixedBuilder(type, 1024);
  const { precision, scale } = type;
  return {
    builder,
    read:
      precision <= WORD_DIGITS && !checked
        ? readWords(builder, scale, onSpecial)
        : readByHand(builder, type, checked, onSpecial),
  };
}

/** Declared with up to 18 digits, as nearly all are. */
function readWords(builder: FixedBuilder, scale: number, onSpecial: OnSpecial): ColumnReader["read"] {
  return (block, column) => {
    const { memory, view } = block;
    appendWords(
      block,
      column,
      builder,
      (starts, from, rows, to) => memory.kernel.numerics(starts, from, rows, to, scale),
      (start) => {
        checkSize(view, start);
        if (view.getUint16(start + 4) < SPECIAL && exponentOf(view, start, scale) > -4)
          throw malformed("a numeric has more digits or places than its column");
        onSpecial(numericText(view, start));
      },
    );
  };
}

/** The digits are all that there is, and are all there: reading on would end in other values, or beyond the memory. */
function checkSize(view: DataView, start: number): void {
  const length = view.getInt32(start - 4);
  const digits = view.getUint16(start);
  if (length !== 8 + 2 * digits) throw malformed(`a numeric of ${length} bytes with ${digits} digits`);
}

/** What the last digit's unit is worth in units of the column's scale, as a power of ten. */
function exponentOf(view: DataView, start: number, scale: number): number {
  return 4 * (view.getInt16(start + 2) - view.getUint16(start) + 1) + scale;
}

/** Wider ones, and those that may not fit. */
function readByHand(
  builder: FixedBuilder,
  { precision, scale }: DecimalType,
  checked: boolean,
  onSpecial: OnSpecial,
): ColumnReader["read"] {
  const write = precision <= WORD_DIGITS ? write64 : write128;
  return ({ view, starts, rows, stride }, column) => {
    builder.reserve(rows);
    const { words } = builder;
    let row = builder.length;
    for (let at = column * stride, end = at + rows; at < end; at++, row++) {
      const start = starts[at]!;
      if (start < 0) {
        markNull(builder, row);
        continue;
      }
      checkSize(view, start);
      const digits = view.getUint16(start);
      const sign = view.getUint16(start + 4);
      const exponent = exponentOf(view, start, scale);
      if (sign >= SPECIAL || exponent <= -4 || (checked && !fits(view, start, digits, precision, scale))) {
        if (digits === 0 && sign < SPECIAL) write(words, row, view, start + 8, 0, 0, false);
        else {
          onSpecial(numericText(view, start));
          markNull(builder, row);
        }
        continue;
      }
      write(words, row, view, start + 8, digits, digits === 0 ? 0 : exponent, sign === NEGATIVE);
    }
    builder.length = row;
  };
}

/** Whether a value has at most `precision - scale` digits before the point and `scale` after. */
function fits(view: DataView, start: number, digits: number, precision: number, scale: number): boolean {
  if (digits === 0) return true;
  const weight = view.getInt16(start + 2);
  const first = view.getUint16(start + 8);
  const before = 4 * weight + (first >= 1000 ? 4 : first >= 100 ? 3 : first >= 10 ? 2 : 1);
  if (before > precision - scale) return false;
  const exponent = 4 * (weight - digits + 1) + scale;
  if (exponent >= 0) return true;
  return exponent > -4 && view.getUint16(start + 6 + 2 * digits) % POWERS[-exponent]! === 0;
}

/** The last digit without the places that the column does not have; they are zero by the column's declaration or by `fits`. */
function lastDigit(view: DataView, at: number, exponent: number): number {
  const digit = view.getUint16(at);
  const power = POWERS[-exponent]!;
  if (digit % power !== 0) throw malformed("a numeric has more digits or places than its column");
  return digit / power;
}

/** Up to 18 digits: two 32-bit halves, multiplied and added to as such. */
function write64(
  words: Int32Array,
  row: number,
  view: DataView,
  at: number,
  digits: number,
  exponent: number,
  negative: boolean,
): void {
  let low = 0;
  let high = 0;
  const push = (factor: number, addend: number): void => {
    const product = low * factor + addend;
    const carry = Math.floor(product / 4_294_967_296);
    low = product - carry * 4_294_967_296;
    high = high * factor + carry;
  };
  const whole = exponent >= 0 ? digits : digits - 1;
  for (let i = 0; i < whole; i++) push(10_000, view.getUint16(at + 2 * i));
  if (exponent < 0) push(POWERS[4 + exponent]!, lastDigit(view, at + 2 * whole, exponent));
  for (let rest = exponent; rest > 0; rest -= 4) push(POWERS[rest < 4 ? rest : 4]!, 0);
  if (negative) {
    // Two's complement over both halves.
    words[2 * row] = -low;
    words[2 * row + 1] = low === 0 ? -high : ~high;
  } else {
    words[2 * row] = low;
    words[2 * row + 1] = high;
  }
}

/** Up to 38 digits: four 32-bit limbs, the lowest first. */
function write128(
  words: Int32Array,
  row: number,
  view: DataView,
  at: number,
  digits: number,
  exponent: number,
  negative: boolean,
): void {
  const base = 4 * row;
  words.fill(0, base, base + 4);
  const push = (factor: number, addend: number): void => {
    let carry = addend;
    for (let limb = base; limb < base + 4; limb++) {
      const product = (words[limb]! >>> 0) * factor + carry;
      carry = Math.floor(product / 4_294_967_296);
      words[limb] = product - carry * 4_294_967_296;
    }
  };
  const whole = exponent >= 0 ? digits : digits - 1;
  for (let i = 0; i < whole; i++) push(10_000, view.getUint16(at + 2 * i));
  if (exponent < 0) push(POWERS[4 + exponent]!, lastDigit(view, at + 2 * whole, exponent));
  for (let rest = exponent; rest > 0; rest -= 4) push(POWERS[rest < 4 ? rest : 4]!, 0);
  if (!negative) return;
  let carry = 1;
  for (let limb = base; limb < base + 4; limb++) {
    const inverted = (~words[limb]! >>> 0) + carry;
    words[limb] = inverted;
    carry = inverted >= 4_294_967_296 ? 1 : 0;
  }
}

/** The value as the server would print it, for messages. */
export function numericText(view: DataView, start: number): string {
  const digits = view.getUint16(start);
  const weight = view.getInt16(start + 2);
  const sign = view.getUint16(start + 4);
  if (sign >= SPECIAL) return sign === 0xd000 ? "Infinity" : sign === 0xf000 ? "-Infinity" : "NaN";
  const scale = view.getUint16(start + 6);
  const group = (i: number): string =>
    i < 0 || i >= digits ? "0000" : String(view.getUint16(start + 8 + 2 * i)).padStart(4, "0");
  let whole = "";
  for (let i = 0; i <= weight; i++) whole += group(i);
  let fraction = "";
  for (let i = weight + 1; fraction.length < scale; i++) fraction += group(i);
  const text = whole.replace(/^0+(?=\d)/, "") || "0";
  return `${sign === NEGATIVE ? "-" : ""}${text}${scale > 0 ? `.${fraction.slice(0, scale)}` : ""}`;
}
