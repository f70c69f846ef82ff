/** A number by its digits, as `JSON.rawJSON` makes it (ECMAScript, JSON.parse source text access). */
export interface RawJson {
  readonly rawJSON: string;
}

const { rawJSON, isRawJSON } = JSON as unknown as {
  readonly rawJSON: (text: string) => RawJson;
  readonly isRawJSON: (value: unknown) => value is RawJson;
};

/** A number by its digits. */
export function rawJson(text: string): RawJson {
  return rawJSON(text);
}

/** Whether a value is a number by its digits (or other raw JSON). */
export function isRawJson(value: unknown): value is RawJson {
  return isRawJSON(value);
}
