import { AlluviumError, type ErrorCode } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import { pause } from "./timing.ts";

/** How {@link createOnce} ended. `failed`: surely not created. `unknown`: it may exist, now or later. */
export type CreateOutcome =
  | { readonly kind: "created" }
  | { readonly kind: "exists"; readonly bytes: Uint8Array }
  | { readonly kind: "failed" | "unknown"; readonly error: unknown };

/** Errors after which the object surely was not created by the call. */
const definite: ReadonlySet<ErrorCode> = new Set([
  "ALV_STORE_FULL",
  "ALV_STORE_UNSAFE",
  "ALV_AUTH",
  "ALV_CONFIG",
]);

/**
 * Creates an object only if absent, also where the answer is lost. After a timeout or a broken connection the object is read back:
 * there, its bytes tell whose it is; not there, the same bytes are put again until the store gives a definite answer. The caller
 * compares the bytes of an object that exists: it may be its own, from an attempt whose answer was lost.
 *
 * The run's signal does not reach the put itself: an aborted put would leave open whether the load is committed.
 */
export async function createOnce(
  context: LakeContext,
  path: string,
  bytes: Uint8Array,
): Promise<CreateOutcome> {
  const { store, timing, signal } = context;
  let ambiguous = false;
  for (let attempt = 0; ; attempt++) {
    let problem: unknown;
    try {
      if (await store.putIfAbsent(path, bytes)) return { kind: "created" };
      return { kind: "exists", bytes: await store.get(path) };
    } catch (error) {
      if (AlluviumError.is(error) && definite.has(error.code) && !ambiguous) return { kind: "failed", error };
      ambiguous = true;
      problem = error;
    }
    try {
      const found = await store.get(path);
      // What failed may have been the syncing.
      await store.sync([path]);
      return { kind: "exists", bytes: found };
    } catch (error) {
      const absent = AlluviumError.is(error) && error.code === "ALV_NOT_FOUND";
      if (!absent && !mayPass(error)) return { kind: "unknown", error: problem };
    }
    if (!mayPass(problem) || attempt + 1 >= timing.attempts) return { kind: "unknown", error: problem };
    try {
      await timing.sleep(pause(timing, attempt), signal);
    } catch (error) {
      return { kind: "unknown", error };
    }
  }
}

/** Whether the same call may succeed later. */
export function mayPass(error: unknown): boolean {
  return AlluviumError.is(error) && error.retryable;
}
