import type { Secret } from "../secret.ts";

/** The text of a secret. */
export type Reveal = (secret: Secret) => Promise<string>;

/** Asks for each secret once, however often it is used, and again after a failure. */
export function revealOnce(): Reveal {
  const known = new Map<Secret, Promise<string>>();
  return (secret) => {
    const text = known.get(secret) ?? secret.reveal();
    known.set(secret, text);
    text.catch(() => known.delete(secret));
    return text;
  };
}
