import { AlluviumError } from "@alluvium/core";
import { defaultTiming } from "../../lake/timing.ts";
import { inTable } from "../log/paths.ts";
import type { TableState } from "../log/state.ts";
import { putChange } from "./commit.ts";
import { expiredLogFiles } from "./expired-log.ts";
import { lakeOf, refuseRunning } from "./lake.ts";
import { looseFiles } from "./referenced.ts";
import { fileRetention, millisecondsOf, spanText } from "./retention.ts";
import { careContext, openToWrite, type CareContext, type CareTarget } from "./target.ts";
import type { VacuumOptions, VacuumResult } from "./vacuum-options.ts";

const BATCH = 500;
const PATHS = 1000;
/** Loads have files that no log names for up to half as long. */
const SAFE = defaultTiming.vacuumAge;

interface Tally {
  files: number;
  bytes: number;
  stagedFiles: number;
  logFiles: number;
  paths: string[];
}

/** Deletes the files that no version within the retention needs, and the log before it. */
export async function vacuumTable(target: CareTarget, options: VacuumOptions): Promise<VacuumResult> {
  const context = careContext(target, options);
  const { store, signal } = context;
  const state = await openToWrite(context);
  const retention = retentionOf(options, state);
  if (retention < SAFE) {
    const lake = await lakeOf(context);
    if (lake !== undefined) await refuseRunning(lake, context, "vacuum with a short retention");
  }
  const now = (await store.now({ signal })).getTime();
  const before = now - retention;
  const tally: Tally = { files: 0, bytes: 0, stagedFiles: 0, logFiles: 0, paths: [] };
  await deleteLoose(context, state, { ...options, before, span: retention }, tally);
  if (options.log !== false) await deleteLog(context, state, now, options, tally);
  return { before: new Date(before), ...tally };
}

function retentionOf({ retention, unsafeRetention = false }: VacuumOptions, state: TableState): number {
  const own = fileRetention(state.metadata.configuration);
  const least = Math.max(own, SAFE);
  if (retention === undefined) return unsafeRetention ? own : least;
  const asked = millisecondsOf("vacuum: retention", retention);
  if (asked >= least || unsafeRetention) return asked;
  throw new AlluviumError(
    "ALV_CONFIG",
    `vacuum: a retention of ${spanText(asked)} is shorter than ${spanText(least)}: readers, writers that are at work and older versions could lose files they need. ` +
      "Take a longer one, or set unsafeRetention if nobody uses the table.",
  );
}

async function deleteLoose(
  context: CareContext,
  state: TableState,
  { before, span, dryRun = false }: VacuumOptions & { readonly before: number; readonly span: number },
  tally: Tally,
): Promise<void> {
  const { store, signal } = context;
  // Checkpoints may have dropped tombstones that are older than the table's own retention.
  const readCommits = span > fileRetention(state.metadata.configuration);
  let doomed: string[] = [];
  let started = false;
  const flush = async (): Promise<void> => {
    if (doomed.length === 0 || dryRun) return;
    if (!started) await note(context, "VACUUM START", { retentionMillis: span });
    started = true;
    await store.delete(doomed, { signal });
    doomed = [];
  };
  for await (const { info, path, kind } of looseFiles(context, state, { since: before, readCommits })) {
    signal.throwIfAborted();
    if (info.modified.getTime() >= before) continue;
    if (kind === "staged") tally.stagedFiles += 1;
    else {
      tally.files += 1;
      tally.bytes += info.size;
    }
    if (tally.paths.length < PATHS) tally.paths.push(path);
    if (!dryRun) doomed.push(info.path);
    if (doomed.length >= BATCH) await flush();
  }
  await flush();
  if (started) await note(context, "VACUUM END", { numDeletedFiles: tally.files + tally.stagedFiles });
}

/** Says in the log, as Spark does, that files are being deleted or were. */
async function note(
  context: CareContext,
  operation: "VACUUM START" | "VACUUM END",
  facts: Readonly<Record<string, number>>,
): Promise<void> {
  const parameters =
    operation === "VACUUM START"
      ? { specifiedRetentionMillis: String(facts["retentionMillis"]) }
      : { status: "COMPLETED" };
  const metrics: Readonly<Record<string, number>> = operation === "VACUUM START" ? {} : facts;
  const change = { operation, parameters, metrics, dataChange: false, removed: [], added: [], written: [] };
  // It touches nothing, so that only a change of protocol or metadata is in its way; then it is not worth another attempt.
  await putChange(context, change, await openToWrite(context));
}

async function deleteLog(
  context: CareContext,
  state: TableState,
  now: number,
  { dryRun = false }: VacuumOptions,
  tally: Tally,
): Promise<void> {
  const { store, directory, signal } = context;
  const root = inTable(directory, "");
  let doomed: string[] = [];
  for await (const { path } of expiredLogFiles(context, state, now)) {
    signal.throwIfAborted();
    tally.logFiles += 1;
    if (tally.paths.length < PATHS) tally.paths.push(path.slice(root.length));
    if (dryRun) continue;
    doomed.push(path);
    if (doomed.length < BATCH) continue;
    await store.delete(doomed, { signal });
    doomed = [];
  }
  if (doomed.length > 0) await store.delete(doomed, { signal });
}
