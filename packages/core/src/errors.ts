import type { errorCodes } from "./error-codes.ts";
import type { RunReport } from "./run/report.ts";

/** A code that an {@link AlluviumError} can carry; the subpath `@alluvium/core/errors` says what each means. */
export type ErrorCode = keyof typeof errorCodes;

type Retryable = {
  [Code in ErrorCode]: (typeof errorCodes)[Code]["retryable"] extends true ? Code : never;
}[ErrorCode];

/** The registry's texts stay out of every bundle, so what errors need of it stands here too; the compiler compares the two. */
const retryable: { readonly [Code in Retryable]: true } = {
  ALV_CONNECTION: true,
  ALV_SOURCE_CHANGED: true,
  ALV_TIMEOUT: true,
  ALV_SNAPSHOT_LOST: true,
  ALV_STORE_FAILED: true,
  ALV_TABLE_CONFLICT: true,
};

/** Where an error happened, for logs. */
export interface ErrorPlace {
  /** Name of the pipeline. */
  readonly pipeline?: string | undefined;
  /** Resource or table. */
  readonly resource?: string | undefined;
  /** Id of the load. */
  readonly load?: string | undefined;
  /** What was being done: `open`, `read`, `write`, `commit`, `apply`, `recover`, `acknowledge` … */
  readonly step?: string | undefined;
}

/** What else is said of an error. */
interface ErrorOptions extends ErrorPlace {
  readonly cause?: unknown;
  readonly retryable?: boolean;
  readonly report?: RunReport | undefined;
}

const brand = Symbol.for("@alluvium/core/error");

/**
 * The one error type of Alluvium. The message says what happened, where, and what to do. It never holds a secret.
 * Cancellation is not an error of ours: an aborted call rethrows `signal.reason`.
 *
 * @example
 * ```ts
 * try {
 *   await lake.run();
 * } catch (error) {
 *   if (AlluviumError.is(error) && error.code === "ALV_CONCURRENT_RUN") return;
 *   throw error;
 * }
 * ```
 */
export class AlluviumError extends Error {
  /** Said, because the packages are minified and Node prints the name of the class. */
  static override readonly name: string = "AlluviumError";

  /** What kind of error it is: one of {@link errorCodes}. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Name of the pipeline, where it is known. */
  readonly pipeline: string | undefined;
  /** Resource or table, where it is known. */
  readonly resource: string | undefined;
  /** Id of the load, where it is known. */
  readonly load: string | undefined;
  /** What was being done, where it is known: see {@link ErrorPlace}. */
  readonly step: string | undefined;
  /** On the error of a failed run: what it did, committed loads included. */
  declare readonly report: RunReport | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AlluviumError";
    this.code = code;
    this.retryable = options.retryable ?? code in retryable;
    this.pipeline = options.pipeline;
    this.resource = options.resource;
    this.load = options.load;
    this.step = options.step;
    // A field with a computed symbol is refused by isolatedDeclarations.
    Object.defineProperty(this, brand, { value: true });
    // Not enumerable: an error that is logged does not print the whole report.
    Object.defineProperty(this, "report", { value: options.report });
  }

  /** Whether `value` is an AlluviumError, also of another copy of this package. */
  static is(value: unknown): value is AlluviumError {
    return typeof value === "object" && value !== null && brand in value;
  }

  /** The same error with the place, and the report, filled in where they are not yet known. */
  at(place: ErrorPlace & { readonly report?: RunReport }): AlluviumError {
    const error = new AlluviumError(this.code, this.message, {
      pipeline: this.pipeline ?? place.pipeline,
      resource: this.resource ?? place.resource,
      load: this.load ?? place.load,
      step: this.step ?? place.step,
      cause: this.cause,
      retryable: this.retryable,
      report: this.report ?? place.report,
    });
    if (this.stack !== undefined) error.stack = this.stack;
    return error;
  }
}

/** The error of one resource, if it is known: then the message begins with its name. */
export function resourceError(
  code: ErrorCode,
  resource: string | undefined,
  why: string,
  more?: { readonly step?: string; readonly cause?: unknown; readonly retryable?: boolean },
): AlluviumError {
  const message = resource === undefined ? why : `resource ${JSON.stringify(resource)}: ${why}`;
  return new AlluviumError(code, message, { ...more, resource });
}
