import { AlluviumError } from "./errors.ts";

/**
 * A value that must not be shown. It prints as `***` in text, JSON and inspection; only {@link Secret.reveal} gives it, at the
 * moment when it is needed.
 */
export class Secret {
  readonly #find: () => string | Promise<string>;
  readonly #forget: (() => void) | undefined;

  /**
   * `find` is called at each use, so that a rotated credential takes effect. It throws when there is none. One that keeps what it found gives `forget`, too,
   * which makes the next use find it anew.
   */
  constructor(find: () => string | Promise<string>, forget?: () => void) {
    this.#find = find;
    this.#forget = forget;
  }

  /** The value itself. For whoever opens a connection, at the last moment; never for messages or state. */
  async reveal(): Promise<string> {
    return await this.#find();
  }

  /**
   * Drops a value that is kept, because a server refused it: it may have been rotated since. For connectors, which then ask once more.
   *
   * @returns Whether the next {@link Secret.reveal} may give another value; `false` where none is kept.
   */
  forget(): boolean {
    this.#forget?.();
    return this.#forget !== undefined;
  }

  /** `***` */
  toString(): string {
    return "***";
  }

  /** `***` */
  toJSON(): string {
    return "***";
  }

  static {
    // Defined apart, because isolated declarations refuse methods with computed names.
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value: () => "***",
    });
  }
}

/** A credential as options take it: the text, a {@link Secret} such as `env("NAME")`, or a function asked at each use (rotation). */
export type Credential = string | Secret | (() => string | Promise<string>);

/** Drops what is kept of credentials. Whether one of them may give another value with its next use. */
export function forgetCredentials(credentials: readonly (Credential | undefined)[]): boolean {
  // Each is asked, even where one has said yes.
  const fresh = credentials.filter((one) =>
    typeof one === "object" ? (one as Partial<Secret>).forget?.() === true : typeof one === "function",
  );
  return fresh.length > 0;
}

/**
 * Opens something with credentials, once more when it is refused (`ALV_AUTH`) and one of them may have been rotated meanwhile: a function, which gives what it
 * wants at each use, or a secret that was kept. For connectors: `open` reveals the credentials itself.
 */
export async function withFreshCredentials<Opened>(
  credentials: readonly (Credential | undefined)[],
  open: () => Promise<Opened>,
): Promise<Opened> {
  try {
    return await open();
  } catch (error) {
    if (!AlluviumError.is(error) || error.code !== "ALV_AUTH") throw error;
    if (!forgetCredentials(credentials)) throw error;
  }
  return open();
}

/**
 * A secret kept in an environment variable. The variable is read when the secret is used, not before; `ALV_CONFIG` names it when it is not
 * set or empty.
 *
 * @example
 * ```ts
 * const shop = postgres({ url: env("DATABASE_URL") });
 * ```
 */
export function env(variable: string): Secret {
  return new Secret(() => {
    const value = process.env[variable];
    if (value !== undefined && value !== "") return value;
    throw new AlluviumError(
      "ALV_CONFIG",
      `the environment variable ${variable} is ${value === undefined ? "not set" : "empty"}: set it, or pass the value itself`,
    );
  });
}

/** The text of a credential. For connectors, at the moment of use. `option` names it in the error when there is none. */
export async function revealCredential(credential: Credential, option: string): Promise<string> {
  const value: unknown =
    typeof credential === "function"
      ? await credential()
      : typeof credential === "string"
        ? credential
        : await (credential as Partial<Secret> | undefined)?.reveal?.();
  if (typeof value === "string" && value !== "") return value;
  throw new AlluviumError(
    "ALV_CONFIG",
    `${option} is ${value === "" ? "empty" : "no credential"}: give a text, a Secret such as env("NAME"), or a function that gives a text`,
  );
}
