import { AlluviumError } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import { getOptional } from "./journal.ts";
import { isGone, ownProcess, type ProcessIdentity } from "./process-identity.ts";

/**
 * Says that a run is under way, so that a second one waits instead of working in vain. Only manners: which run wins is decided by
 * the manifests alone.
 */
export interface Lease extends AsyncDisposable {
  /** Whether another session has taken it. */
  readonly lost: () => boolean;
  /** Looks whether the lease is still ours. */
  check(): Promise<boolean>;
}

/**
 * Takes the lease of a pipeline and lane. One that was renewed less than `leaseLive` ago by the store's clock is waited out for
 * `wait` milliseconds, then `ALV_CONCURRENT_RUN`; one whose process on this machine is gone is taken at once. Disposing gives it back.
 */
export async function takeLease(context: LakeContext, wait: number): Promise<Lease> {
  const { store, paths, timing, signal } = context;
  const bytes = leaseBytes(context);
  const began = performance.now();
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const info = await store.head(paths.lease, { signal });
    if (info === undefined) {
      if (await store.putIfAbsent(paths.lease, bytes, { signal })) break;
      continue;
    }
    const age = (await store.now({ signal })).getTime() - info.modified.getTime();
    // A time far in the future is of a clock that was set back, not of a live run.
    if (age >= timing.leaseLive || age < -timing.leaseLive || isGone(await holderOf(context))) {
      await store.put(paths.lease, bytes, { signal });
      if (await isOurs(context)) break;
      continue;
    }
    const waited = performance.now() - began;
    if (waited >= wait) throw await taken(context);
    if (!told) {
      told = true;
      const until = new Date(Date.now() + Math.max(0, timing.leaseLive - age));
      context.emit({
        type: "waiting",
        reason: `another run of ${context.pipeline.pipeline}/${context.pipeline.lane} is active or was ended less than ${Math.round(timing.leaseLive / 1000)} s ago`,
        until,
      });
    }
    await timing.sleep(
      Math.max(1, Math.min(timing.leasePoll, wait - waited, timing.leaseLive - age)),
      signal,
    );
  }
  return keepLease(context, bytes);
}

function keepLease(context: LakeContext, bytes: Uint8Array): Lease {
  const { store, paths, timing } = context;
  let lost = false;
  let renewal: Promise<void> | undefined;
  const renew = async (): Promise<void> => {
    try {
      // Without the run's signal: an aborted run keeps its lease until it is disposed.
      const owner = await ownerOf(context);
      if (owner === undefined) await store.putIfAbsent(paths.lease, bytes);
      else if (owner === context.writer) await store.put(paths.lease, bytes);
      else lost = true;
    } catch {
      // The next renewal tries again; a lease that lapses costs nothing but manners.
    }
  };
  const timer =
    timing.leaseRenew > 0
      ? setInterval(() => {
          renewal ??= renew().finally(() => (renewal = undefined));
        }, timing.leaseRenew)
      : undefined;
  timer?.unref();
  return {
    lost: () => lost,
    async check() {
      const owner = await ownerOf(context);
      if (owner !== undefined && owner !== context.writer) lost = true;
      return !lost;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await renewal;
      try {
        if ((await ownerOf(context)) === context.writer) await store.delete([paths.lease]);
      } catch {
        // It lapses by itself.
      }
    },
  };
}

async function taken(context: LakeContext): Promise<AlluviumError> {
  const { pipeline, lane } = context.pipeline;
  const holder = await holderOf(context);
  const who = holder.runId === undefined ? "" : ` (run ${holder.runId}, process ${holder.process})`;
  return new AlluviumError(
    "ALV_CONCURRENT_RUN",
    `another run of ${pipeline}/${lane} is active${who}: let it finish, or give this one a lane of its own`,
    { pipeline, step: "recover" },
  );
}

async function isOurs(context: LakeContext): Promise<boolean> {
  return (await ownerOf(context)) === context.writer;
}

async function ownerOf(context: LakeContext): Promise<string | undefined> {
  try {
    return parseLease(await context.store.get(context.paths.lease)).owner;
  } catch (error) {
    if (AlluviumError.is(error) && error.code === "ALV_NOT_FOUND") return undefined;
    throw error;
  }
}

function leaseBytes(context: LakeContext): Uint8Array {
  const content: Holder = { owner: context.writer, runId: context.runId, ...ownProcess() };
  return new TextEncoder().encode(`${JSON.stringify(content)}\n`);
}

/** What a lease says of who holds it. */
type Holder = Partial<ProcessIdentity> & { readonly owner?: string; readonly runId?: string };

async function holderOf(context: LakeContext): Promise<Holder> {
  return parseLease(await getOptional(context, context.paths.lease));
}

function parseLease(bytes: Uint8Array | undefined): Holder {
  try {
    return (JSON.parse(new TextDecoder().decode(bytes)) as Holder | null) ?? {};
  } catch {
    // Damaged: nobody's.
    return {};
  }
}
