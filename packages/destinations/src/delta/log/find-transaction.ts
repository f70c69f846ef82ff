import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { readActions } from "./codec.ts";
import { commitPath } from "./commit.ts";

/**
 * The version whose commit set transaction `appId` to `sequence`, looked for from `from` backwards as far as there are commits;
 * `undefined` where the log has been cleaned up since.
 */
export async function findTransaction(
  store: ObjectStore,
  directory: string,
  appId: string,
  sequence: number,
  from: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  for (let version = from; version >= 0; version--) {
    signal?.throwIfAborted();
    const path = commitPath(directory, version);
    const info = await store.head(path, signal ? { signal } : {});
    if (info === undefined) return undefined;
    try {
      for await (const { txn } of readActions(store, info, signal))
        if (txn?.appId === appId) {
          if (Number(txn.version) === sequence) return version;
          // Sequences grow: what is sought stands further back, or nowhere.
          if (Number(txn.version) < sequence) return undefined;
        }
    } catch (error) {
      if (AlluviumError.is(error) && error.code === "ALV_NOT_FOUND") return undefined;
      throw error;
    }
  }
  return undefined;
}
