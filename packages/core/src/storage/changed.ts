import { AlluviumError } from "../errors.ts";

/** The error of a read that asked for one version of an object where another one stands now. */
export function changedObject(path: string, url: string, cause?: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_SOURCE_CHANGED",
    `${path} in ${url} is not the version any more that was to be read: it was overwritten`,
    { cause },
  );
}
