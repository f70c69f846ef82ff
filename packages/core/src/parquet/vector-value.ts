import { readDecimal } from "../columns/decimal.ts";
import { decimalWords } from "../columns/builder.ts";
import { bitAt } from "../columns/bitmap.ts";
import type { Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import type { ParquetValue } from "./statistics.ts";

/** A row that is not null as statistics hold it. */
export function valueOf(vector: Vector, row: number): ParquetValue {
  switch (vector.layout) {
    case "boolean":
      return bitAt(vector.values, row);
    case "bytes":
      return new Uint8Array(vector.data.subarray(vector.offsets[row]!, vector.offsets[row + 1]!));
    case "fixed": {
      const { type, values } = vector;
      if (type.kind === "uuid") return new Uint8Array(values.subarray(16 * row, 16 * row + 16) as Uint8Array);
      if (type.kind === "decimal")
        return readDecimal(values as BigInt64Array, row, decimalWords(type.precision));
      return values[row]!;
    }
    default:
      throw new AlluviumError("ALV_INTERNAL", `a ${vector.layout} vector holds no plain values`);
  }
}
