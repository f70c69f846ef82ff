import type { ColumnType } from "@alluvium/core";
import {
  createAppender,
  formatScalar,
  isValid,
  scalarReader,
  sliceVector,
  type Scalar,
  type Vector,
} from "@alluvium/core/columns";
import { saidValue } from "../text/said.ts";

const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/**
 * The rows of a column with texts among them that are none of its type, in the place of nulls: as core's appender makes it of values of several kinds, each
 * text as the value that it says it is.
 */
export function mixedVector(
  vector: Vector,
  misfits: readonly (readonly [row: number, text: string])[],
  plainNumber: (text: string) => string,
): Vector {
  const { type, length } = vector;
  const appender = createAppender({ infer: { dates: true, timestamps: true } });
  const read = scalarReader(vector);
  // A mixed column knows values of its first one's type again: of the column's type, whichever row comes first.
  const first = firstValue(type, vector, read);
  const before = first === undefined ? 0 : 1;
  if (first !== undefined) appender.append({ value: first });
  let next = 0;
  for (let row = 0; row < length; row++) {
    const misfit = misfits[next];
    if (misfit !== undefined && misfit[0] === row) {
      const [, text] = misfit;
      const said = saidValue(plainNumber(text));
      appender.append({ value: typeof said === "string" ? text : said });
      next += 1;
    } else {
      const scalar = read(row);
      appender.append({ value: scalar === null ? null : valueOf(type, scalar) });
    }
  }
  return sliceVector(appender.finish().columns[0]!, before, before + length);
}

/** A value of a column, so that the appender takes the others for values of its type. Of dates and times any will do; floats are no integers. */
function firstValue(type: ColumnType, vector: Vector, read: (row: number) => Scalar | null): unknown {
  if (type.kind === "float64") return 0.5;
  if (type.kind === "date") return formatScalar(type, 0);
  if (type.kind === "timestamp") return formatScalar(type, 0n);
  let sample = 0;
  while (sample < vector.length && !isValid(vector, sample)) sample += 1;
  return sample < vector.length ? valueOf(type, read(sample)!) : undefined;
}

/** A stored value as the appender takes it for one of the same type. */
function valueOf(type: ColumnType, scalar: Scalar): unknown {
  switch (type.kind) {
    case "int64": {
      const number = Number(scalar);
      return Number.isSafeInteger(number) ? number : scalar;
    }
    case "decimal":
      return rawJSON(formatScalar(type, scalar));
    case "date":
    case "timestamp":
      return formatScalar(type, scalar);
    default:
      return scalar;
  }
}
