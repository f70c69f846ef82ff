import type { ColumnType } from "@alluvium/core";

/** `sql`: NaN equals itself and is above all. `ieee`: NaN compares with nothing. Zeros are equal in both. */
export type FloatOrder = "sql" | "ieee";

/** Whether `value op wanted` holds for two values in user form, neither null. */
export function compared(
  type: ColumnType,
  value: unknown,
  op: "=" | "<" | "<=" | ">" | ">=",
  wanted: unknown,
  floats: FloatOrder,
): boolean {
  const isFloat = type.kind === "float32" || type.kind === "float64";
  if (isFloat && floats === "ieee" && (Number.isNaN(value) || Number.isNaN(wanted))) return false;
  const order = isFloat ? floatOrder(value as number, wanted as number) : valueOrder(type, value, wanted);
  switch (op) {
    case "=":
      return order === 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

function floatOrder(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function valueOrder({ kind }: ColumnType, a: unknown, b: unknown): number {
  if (kind === "string") return Buffer.compare(Buffer.from(a as string), Buffer.from(b as string));
  if (kind === "decimal") return sign(unscaled(a as string) - unscaled(b as string));
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

const unscaled = (text: string): bigint => BigInt(text.replace(".", ""));
const sign = (value: bigint): number => (value < 0n ? -1 : value > 0n ? 1 : 0);

/** A value in user form as SQL text without quotes. */
export function sqlText(type: ColumnType, value: unknown): string {
  if (type.kind !== "timestamp") return Object.is(value, -0) ? "-0.0" : String(value);
  const micros = value as bigint;
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, 19);
  return `${seconds.replace("T", " ")}.${String(rest).padStart(6, "0")}`;
}
