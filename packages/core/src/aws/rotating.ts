import { AlluviumError } from "../errors.ts";
import { Secret } from "../secret.ts";

/** How long values are kept where nobody says. */
export const TTL = 300_000;

/** A secret that is fetched when it is needed, kept for a time, and fetched anew when it was refused. Callers at the same time share one call. */
export function rotatingSecret(fetch: () => Promise<string>, ttl: number): Secret {
  let kept: { readonly value: Promise<string>; readonly until: number } | undefined;
  return new Secret(
    () => {
      if (kept !== undefined && performance.now() < kept.until) return kept.value;
      const value = fetch();
      const entry = { value, until: performance.now() + ttl };
      kept = entry;
      value.catch(() => {
        if (kept === entry) kept = undefined;
      });
      return value;
    },
    () => {
      kept = undefined;
    },
  );
}

/** The text of a secret, or of one member of the JSON object that it is. */
export function pickField(text: string, field: string | undefined, place: string): string {
  if (field === undefined) return text;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's message would show a piece of it.
    throw new AlluviumError(
      "ALV_CONFIG",
      `${place} is no JSON, so it has no field ${field}: leave \`field\` out`,
    );
  }
  const value = Object.entries(typeof parsed === "object" && parsed !== null ? parsed : {}).find(
    ([name]) => name === field,
  )?.[1] as unknown;
  if (typeof value === "string" && value !== "") return value;
  if (typeof value === "number") return String(value);
  throw new AlluviumError(
    "ALV_CONFIG",
    `${place} has no field ${field} that is a text: its value is ${value === undefined ? "not there" : value === "" ? "empty" : `of another type (${value === null ? "null" : typeof value})`}`,
  );
}

/** Checks a `ttl`. */
export function checkTtl(ttl: number, who: string): number {
  if (!(ttl >= 0))
    throw new AlluviumError("ALV_CONFIG", `${who}: ttl is ${ttl}, but must be milliseconds from 0`);
  return ttl;
}
