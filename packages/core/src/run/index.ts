/**
 * What carries out pipelines. Destinations bring it: its only users are their authors, and hosts that run pipelines in ways of their own.
 *
 * @module core/run
 */
import { forgetRows } from "./forget.ts";
import { listParked, readHistory, readSchema, readState, settleParked } from "./manage.ts";
import { readQuarantine, replayRows } from "./replay.ts";
import { runPipeline } from "./run.ts";
import type { Runner } from "./runner.ts";

export type { Runner } from "./runner.ts";
export { openResources } from "../read/open.ts";

/**
 * The runner of this version. A destination has it beside its name and capabilities; without one `pipeline()` is `ALV_CONFIG`.
 *
 * @example
 * ```ts
 * const mine: Destination<"append"> = {
 *   specVersion: 1,
 *   name: "mine",
 *   runner,
 *   capabilities,
 *   open: (context) => openSession(context),
 * };
 * ```
 */
export const runner: Runner = {
  run: runPipeline,
  state: readState,
  history: readHistory,
  schema: readSchema,
  parked: listParked,
  quarantine: readQuarantine,
  replay: replayRows,
  forget: forgetRows,
  settle: settleParked,
};
