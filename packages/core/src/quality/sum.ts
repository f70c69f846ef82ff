import { formatDecimal, powerOfTen } from "../columns/decimal.ts";
import { scalarReader } from "../columns/scalar.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import { exactNumber } from "./row-test.ts";

/** A sum of numbers: exact, but for what floats add to it. */
export interface Sum {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly float: number;
  /** Whether floats are part of it. */
  readonly isFloat: boolean;
}

/** Of no number. */
export const noSum: Sum = { unscaled: 0n, scale: 0, float: 0, isFloat: false };

/** Both together. */
export function addSums(a: Sum, b: Sum): Sum {
  const scale = Math.max(a.scale, b.scale);
  return {
    unscaled: a.unscaled * powerOfTen(scale - a.scale) + b.unscaled * powerOfTen(scale - b.scale),
    scale,
    float: a.float + b.float,
    isFloat: a.isFloat || b.isFloat,
  };
}

/** The sum of a column's rows, nulls left out; `undefined` for a column that has no numbers. */
export function sumOf(column: Vector, isCounted: (row: number) => boolean): Sum | undefined {
  const { type } = column;
  if (column.layout === "null") return noSum;
  const read = scalarReader(column);
  const rows = function* (): Generator<number> {
    for (let row = 0; row < column.length; row++) if (isValid(column, row) && isCounted(row)) yield row;
  };
  switch (type.kind) {
    case "float32":
    case "float64": {
      let [sum, lost] = [0, 0];
      // Neumaier's summation keeps what the addition of a small to a large number loses.
      for (const row of rows()) {
        const value = read(row) as number;
        const next = sum + value;
        if (Number.isFinite(next))
          lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
        sum = next;
      }
      return { ...noSum, float: sum + lost, isFloat: true };
    }
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "decimal": {
      let unscaled = 0n;
      for (const row of rows()) unscaled += BigInt(read(row) as bigint | number);
      return { ...noSum, unscaled, scale: type.kind === "decimal" ? type.scale : 0 };
    }
    default:
      return undefined;
  }
}

/** A sum as text, exact where it is. */
export function sumText({ unscaled, scale, float, isFloat }: Sum): string {
  if (isFloat) return String(float + Number(formatDecimal(unscaled, scale)));
  const text = formatDecimal(unscaled, scale);
  return scale === 0 ? text : text.replace(/\.?0+$/, "");
}

/** Whether a figure is no further than `tolerance` from a sum; `undefined`: the figure is no number. */
export function isNear(sum: Sum, figure: unknown, tolerance: number | undefined): boolean | undefined {
  const wanted = exactNumber(figure);
  if (wanted === undefined) return undefined;
  if (sum.isFloat) {
    const at = Number(figure);
    return Math.abs(Number(sumText(sum)) - at) <= (tolerance ?? Math.abs(at) * 1e-9);
  }
  const limit = exactNumber(tolerance ?? 0)!;
  const scale = Math.max(sum.scale, wanted.scale, limit.scale);
  const [a, b, most] = [sum, wanted, limit].map((one) => one.unscaled * powerOfTen(scale - one.scale));
  const apart = a! > b! ? a! - b! : b! - a!;
  return apart <= most!;
}
