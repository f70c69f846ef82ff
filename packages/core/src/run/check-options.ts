import { describeValue } from "../columns/refuse.ts";
import { checkContract } from "../contract.ts";
import { AlluviumError } from "../errors.ts";
import { checkLimits } from "../quarantine-limits.ts";
import type { PipelineDefinition, Refresh, RunOptions } from "./definition.ts";

const refreshes: readonly string[] = ["state", "data", "tables"] satisfies readonly Refresh[];

const runOptions: readonly string[] = [
  "only",
  "limit",
  "since",
  "until",
  "refresh",
  "dryRun",
  "contract",
  "quarantine",
  "signal",
  "deadline",
  "runId",
  "onEvent",
  "commitBytes",
  "commitInterval",
  "retry",
];

/** Refuses options that cannot be, before anything is opened. */
export function checkOptions(definition: PipelineDefinition, options: RunOptions): void {
  const refuse = (name: string, value: unknown, wanted: string): never => {
    throw new AlluviumError("ALV_CONFIG", `${name} is ${String(value)}; it must be ${wanted}`, {
      pipeline: definition.name,
      step: "plan",
    });
  };
  const numbers: readonly (readonly [name: string, least: number, value: number | undefined])[] = [
    ["budget", 1024 * 1024, definition.budget],
    ["concurrency", 1, definition.concurrency],
    ["limit", 1, options.limit],
    ["commitBytes", 1, options.commitBytes],
    ["commitInterval", 0, options.commitInterval],
    ["retry.attempts", 1, options.retry?.attempts],
  ];
  for (const [name, least, value = least] of numbers)
    if (!(value >= least)) refuse(name, value, `a number of at least ${least}`);
  if (definition.lane === "") refuse("lane", '""', 'a name, such as "main"');
  const told = (name: string, value: unknown, wanted: string): never =>
    refuse(name, describeValue(value), wanted);
  checkContract(options.contract, told);
  checkLimits(options.quarantine, told);
  checkLimits(definition.quarantine, told);
  const { deadline, signal, only, refresh, limit, since, until, dryRun } = options;
  if (dryRun !== undefined && typeof dryRun !== "boolean") refuse("dryRun", dryRun, "true or false");
  if (dryRun === true && limit !== undefined)
    refuse("limit", limit, "left out of a dry run, which takes no sample");
  if (refresh !== undefined && !refreshes.includes(refresh))
    refuse("refresh", refresh, refreshes.map((one) => `"${one}"`).join(", "));
  if (refresh !== undefined && [limit, since, until].some((one) => one !== undefined))
    refuse(
      "refresh",
      refresh,
      "left out together with limit, since and until: it reads everything, and commits",
    );
  if (deadline !== undefined && !(deadline instanceof Date && deadline.getTime() > -Infinity))
    refuse("deadline", deadline, "a valid Date");
  if (signal !== undefined && !(signal instanceof AbortSignal)) refuse("signal", signal, "an AbortSignal");
  if (only !== undefined && !Array.isArray(only)) refuse("only", only, "a list of resource names");
  const unknown = Object.keys(options).find((name) => !runOptions.includes(name));
  if (unknown !== undefined)
    refuse(
      unknown,
      (options as Record<string, unknown>)[unknown],
      `left out: run() takes ${runOptions.join(", ")}`,
    );
}
