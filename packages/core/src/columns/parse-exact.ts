/** What a reviver of `JSON.parse` is told of a value that is neither list nor object: the text that it stands for (ECMAScript, JSON.parse source text access). */
interface ReviverContext {
  readonly source?: string;
}

/** JSON text as a value, integers that a number does not hold as bigint. */
export function parseExact(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const revive = (_: string, value: unknown, context?: ReviverContext): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context!.source!)
      : value;
  return JSON.parse(text, revive);
}
