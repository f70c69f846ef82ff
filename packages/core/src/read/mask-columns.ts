import { createHmac, hash } from "node:crypto";
import { createBuilder, type BytesBuilder } from "../columns/builder.ts";
import { constantVector } from "../columns/dictionary.ts";
import { stableText } from "../columns/hash.ts";
import { nullVector } from "../columns/null-vector.ts";
import { isScalar, scalarReader } from "../columns/scalar.ts";
import { textWriter, writeText } from "../columns/text-writer.ts";
import type { Vector } from "../columns/vector.ts";
import { resourceError } from "../errors.ts";
import type { Mask } from "../mask.ts";
import { describeType } from "../schema/describe.ts";
import type { ColumnType } from "../schema/types.ts";
import type { Conversion, Conversions } from "./convert-columns.ts";
import { maskedField } from "../plan-steps.ts";
import type { Reveal } from "./reveal.ts";

const STRING: ColumnType = { kind: "string" };

/** What `mask` does with each of its columns, once the secrets that it needs are there. */
export async function maskConversions(
  masks: { readonly [column: string]: Mask },
  resource: string,
  reveal: Reveal,
): Promise<Conversions> {
  const conversions = await Promise.all(
    Object.entries(masks).map(async ([column, mask]): Promise<[string, Conversion]> => {
      const vector = await masker(mask, column, resource, reveal);
      return [column, { field: (field) => maskedField(field, mask), vector }];
    }),
  );
  return new Map(conversions);
}

async function masker(
  mask: Mask,
  column: string,
  resource: string,
  reveal: Reveal,
): Promise<(vector: Vector) => Vector> {
  if (mask.kind === "redact") {
    const { text } = mask;
    return (vector) => redactVector(vector, text);
  }
  const { kind } = mask;
  const secret = await reveal(mask.secret);
  const maskText =
    kind === "sha256"
      ? (text: string) => hash("sha256", secret + text, "hex")
      : (text: string) => createHmac("sha256", secret).update(text).digest("base64url");
  return (vector) => {
    if (vector.nullCount === vector.length || isScalar(vector.type)) return maskVector(vector, maskText);
    throw resourceError(
      "ALV_CONFIG",
      resource,
      `mask: column ${JSON.stringify(column)} is ${describeType(vector.type)}, and ${kind} takes text and other single values: use redact, or mask its parts in map()`,
    );
  };
}

function redactVector(vector: Vector, text: string | null): Vector {
  const { length, nullCount, validity } = vector;
  if (text === null || nullCount === length) return nullVector(STRING, length);
  return { ...constantVector(STRING, text, length), nullCount, validity };
}

/** Equal values have equal masks whatever the width of a number's type, so that a column that widens keeps its masks. */
function maskVector(vector: Vector, maskText: (text: string) => string): Vector {
  const { type, length } = vector;
  if (vector.nullCount === length) return nullVector(STRING, length);
  if (vector.layout === "dictionary")
    return { ...vector, type: STRING, dictionary: maskVector(vector.dictionary, maskText) };
  const read = scalarReader(vector);
  const builder = createBuilder(STRING, length) as BytesBuilder;
  const text = textWriter(builder);
  for (let row = 0; row < length; row++) {
    const value = read(row);
    if (value === null) builder.appendNull();
    else writeText(text, maskText(stableText(type, value)));
  }
  return builder.finish();
}
