import { AlluviumError } from "../../src/errors.ts";

/** `"done"`, or the code of the error that `run` throws; an error of another kind is thrown on. */
export function outcomeOf(run: () => void): string {
  try {
    run();
    return "done";
  } catch (error) {
    if (AlluviumError.is(error)) return error.code;
    throw error;
  }
}
