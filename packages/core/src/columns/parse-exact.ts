import { rawJson } from "./raw-json.ts";
import { formatScalar } from "./text.ts";
import { saysSame } from "./says-same.ts";

/** What a reviver of `JSON.parse` is told of a value that is neither list nor object: the text that it stands for (ECMAScript, JSON.parse source text access). */
interface ReviverContext {
  readonly source?: string;
}

/**
 * A number that a double may not say: it says up to 15 digits, and has the greatest values with an exponent. Looked for where numbers begin, since many texts (UUIDs,
 * hashes, names with an e) have the like in them.
 */
const MAY_BE_LOSSY = /(?:^|[\s:,[])-?(?:[\d.]{16}|[\d.]+[eE])/;

/** JSON text as a value, integers that a number does not hold as bigint. */
export function parseExact(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const revive = (_: string, value: unknown, context?: ReviverContext): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context!.source!)
      : value;
  return JSON.parse(text, revive);
}

/**
 * JSON text as a value in which no number has lost a digit, for sources that read JSON themselves: integers that a number does not hold are
 * bigint; a fraction that a double does not say (more digits than it has) is `JSON.rawJSON` of its text, which the appender takes as an exact decimal and
 * `JSON.stringify` writes as it was. All other values are those of `JSON.parse`; invalid text is its `SyntaxError`.
 *
 * @example
 * ```ts
 * const { id, total } = parseJson('{"id": 9007199254740993, "total": 0.1234567890123456789}') as {
 *   id: bigint;
 *   total: unknown;
 * };
 * ```
 */
export function parseJson(text: string): unknown {
  if (!MAY_BE_LOSSY.test(text)) return JSON.parse(text);
  const revive = (_: string, value: unknown, context?: ReviverContext): unknown => {
    if (typeof value !== "number") return value;
    const source = context?.source ?? "";
    if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
    const isSame = Number.isFinite(value) && saysSame(formatScalar({ kind: "float64" }, value), source);
    return isSame ? value : rawJson(source);
  };
  return JSON.parse(text, revive);
}
