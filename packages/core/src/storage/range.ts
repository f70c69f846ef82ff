import { AlluviumError } from "../errors.ts";
import type { ByteRange } from "./store.ts";

/**
 * The part `[start, end)` of an object of `size` bytes that a range means. What lies beyond the end is left out, so a range that
 * starts there is empty; a negative start counts from the end.
 *
 * @throws `ALV_CONFIG` for a range that no object can have.
 */
export function resolveRange(range: ByteRange | undefined, size: number): { start: number; end: number } {
  if (range === undefined) return { start: 0, end: size };
  const { start, end } = range;
  const wrong =
    !Number.isSafeInteger(start) ||
    (end !== undefined && (!Number.isSafeInteger(end) || start < 0 || end < start));
  if (wrong)
    throw new AlluviumError(
      "ALV_CONFIG",
      `the byte range [${start}, ${end ?? "end"}) is not a range of an object`,
    );
  if (start < 0) return { start: Math.max(0, size + start), end: size };
  return { start: Math.min(start, size), end: Math.min(end ?? size, size) };
}
