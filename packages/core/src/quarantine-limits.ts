import type { AlluviumError } from "./errors.ts";

/**
 * How much of a table may be refused into its quarantine before the run is stopped. Counted are the rows of the table in one run: those that came,
 * and those of them that went into the quarantine; rows that a contract leaves out do not count.
 */
export interface QuarantineLimits {
  /** More refused rows than this stop the run at once. 0: none may be refused. @default no limit */
  readonly maxRows?: number | undefined;
  /**
   * Of 100 rows that came, more refused ones than this stop the run. Looked at before each commit and at the end of the table's stream, once
   * `minRows` rows have come. @default no limit
   */
  readonly maxPercent?: number | undefined;
  /** Rows below which `maxPercent` says nothing: two bad rows out of three are no trend. @default 100 */
  readonly minRows?: number | undefined;
}

const names: readonly (keyof QuarantineLimits)[] = ["maxRows", "maxPercent", "minRows"];

/** The limits that options make together: the first that says something of one decides on it. */
export function joinLimits(...options: readonly (QuarantineLimits | undefined)[]): QuarantineLimits {
  const joined: { -readonly [Name in keyof QuarantineLimits]: QuarantineLimits[Name] } = {};
  for (const option of options) for (const name of names) joined[name] ??= option?.[name];
  return joined;
}

/** Refuses what are no limits; they may be left out. `refuse` makes the error. */
export function checkLimits(
  limits: QuarantineLimits | undefined,
  refuse: (option: string, value: unknown, wanted: string) => AlluviumError,
): void {
  if (limits === undefined) return;
  if (typeof limits !== "object" || limits === null)
    throw refuse("quarantine", limits, "an object such as { maxRows: 1000, maxPercent: 5 }");
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (!names.includes(name as never))
      throw refuse("quarantine", limits, `an object of ${names.join(", ")}`);
    const most = name === "maxPercent" ? 100 : Infinity;
    const isLimit = typeof value === "number" && value >= 0 && value <= most;
    if (value !== undefined && !isLimit)
      throw refuse(
        `quarantine.${name}`,
        value,
        `a number ${most === 100 ? "from 0 to 100" : "of at least 0"}`,
      );
  }
}
