import { AlluviumError } from "../errors.ts";

/** A damaged file. Where it stands in the file is added by who knows. */
export function invalid(what: string): AlluviumError {
  return new AlluviumError("ALV_FILE_INVALID", what);
}

/** The same error with the place in front, for errors about files; others pass unchanged. */
export function located(error: unknown, place: string): unknown {
  if (AlluviumError.is(error)) {
    if (error.code !== "ALV_FILE_INVALID" && error.code !== "ALV_UNSUPPORTED") return error;
    return new AlluviumError(error.code, `${place}: ${error.message}`, { cause: error.cause });
  }
  // Arrays of an impossible size come from numbers that were damaged.
  if (error instanceof RangeError)
    return new AlluviumError("ALV_FILE_INVALID", `${place}: ${error.message}`, { cause: error });
  return error;
}
