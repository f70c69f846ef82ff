/** JSON text in user form: parsed, with integers that no number holds as bigints. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, exactInteger);
}

/** `source` is the number's text (ECMA-262, JSON.parse source text access). */
function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}
