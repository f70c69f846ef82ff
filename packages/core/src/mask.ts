import { revealCredential, Secret, type Credential } from "./secret.ts";

/**
 * What {@link Resource.mask} makes of the values of a column; `Masked` is their type afterwards. Made by {@link sha256}, {@link tokenize} and
 * {@link redact}.
 */
export type Mask<Masked extends string | null = string | null> = {
  /** Phantom: carries the type, never set. */
  readonly $masked?: Masked;
} & (
  | { readonly kind: "sha256" | "tokenize"; readonly secret: Secret }
  | { readonly kind: "redact"; readonly text: string | null }
);

/**
 * Puts a hash in place of a value: the SHA-256 of the salt followed by the value's text (UTF-8), in 64 hexadecimal digits. Equal values have
 * equal hashes, so that hashed columns still join and hashed keys still merge; without the salt nobody can find a value by hashing guesses.
 *
 * @example
 * ```ts
 * const masked = orders.mask({ country: sha256({ salt: env("SALT") }) });
 * ```
 */
export function sha256(options: {
  /** Kept secret, and the same for all that is to be joined. */
  readonly salt: Credential;
}): Mask<string> {
  return { kind: "sha256", secret: secretOf(options?.salt, "the salt of sha256") };
}

/**
 * Puts a token in place of a value: the HMAC-SHA-256 of the value's text (UTF-8) under a key, as 43 characters of base64url (A–Z, a–z, 0–9, `-`
 * and `_`). Equal values have equal tokens in every column, table and run with that key; without the key a token says nothing of its value.
 *
 * @example
 * ```ts
 * const masked = orders.mask({ country: tokenize({ key: env("TOKEN_KEY") }) });
 * ```
 */
export function tokenize(options: {
  /** Another key gives other tokens. */
  readonly key: Credential;
}): Mask<string> {
  return { kind: "tokenize", secret: secretOf(options?.key, "the key of tokenize") };
}

/**
 * Puts one fixed text, or null, in place of every value. Not for the key of a resource that merges: all rows would have the same.
 *
 * @param text @default "***"
 * @example
 * ```ts
 * const masked = orders.mask({ country: redact(), total: redact(null) });
 * ```
 */
export function redact<const Text extends string | null = string>(
  text: Text = "***" as Text,
): Mask<Text extends string ? string : null> {
  return { kind: "redact", text };
}

/** So that a salt that is given as text does not show where a resource is printed. */
function secretOf(credential: Credential, what: string): Secret {
  return new Secret(() => revealCredential(credential, what));
}
