import type { ColumnType } from "@alluvium/core";
import { parseScalar, saysSame, type Scalar } from "@alluvium/core/columns";

/**
 * The value of a float column that a text says: of numbers only one whose digits a double gives back, in its shortest form or in the 17 digits by which some programs
 * write every double. `undefined` for what would be rounded, or is out of range. `float32` rounds what a double says, as it does everywhere.
 */
export function exactFloat(type: ColumnType, text: string): Scalar | undefined {
  if (!/\d/.test(text)) return parseScalar(type, text);
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  const isExact = /^[+-]?\d+$/.test(text)
    ? BigInt(value) === BigInt(text.replace("+", ""))
    : saysSame(String(value), text) || saysSame(value.toPrecision(17), text);
  return isExact ? parseScalar(type, text) : undefined;
}
