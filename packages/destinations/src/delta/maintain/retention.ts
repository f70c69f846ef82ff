import { AlluviumError, type Duration } from "@alluvium/core";
import { parseInterval } from "../log/interval.ts";

const DAY = 86_400_000;
/** How long files that went from a table are kept unless the table says otherwise. */
const DELETED_FILES = 7 * DAY;
const LOG = 30 * DAY;

type Properties = Readonly<Record<string, string>>;

/** Milliseconds for which a table keeps files that went from it: `delta.deletedFileRetentionDuration`, or 7 days. */
export function fileRetention(properties: Properties): number {
  return parseInterval(properties["delta.deletedFileRetentionDuration"]) ?? DELETED_FILES;
}

/** Milliseconds for which a table keeps its log: `delta.logRetentionDuration`, or 30 days. */
export function logRetention(properties: Properties): number {
  return parseInterval(properties["delta.logRetentionDuration"]) ?? LOG;
}

/** Milliseconds of a time span. Throws `ALV_CONFIG` naming the option. */
export function millisecondsOf(option: string, span: Duration): number {
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = span;
  const total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
  if (Number.isFinite(total) && total >= 0) return total;
  throw new AlluviumError(
    "ALV_CONFIG",
    `${option} is ${JSON.stringify(span)}; give days, hours, minutes, seconds and milliseconds, not negative`,
  );
}

/** A time span for people. */
export function spanText(milliseconds: number): string {
  const days = milliseconds / DAY;
  if (days >= 1) return `${Math.round(days * 100) / 100} days`;
  const hours = milliseconds / 3_600_000;
  return hours >= 1 ? `${Math.round(hours * 100) / 100} hours` : `${Math.round(milliseconds / 1000)} s`;
}
