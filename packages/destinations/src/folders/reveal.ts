import { AlluviumError } from "@alluvium/core";
import pLimit from "p-limit";
import type { ApplyContext, DataFile } from "../lake/contract.ts";

const CONCURRENT = 8;

/**
 * Gives files of a load their final names, and makes that last; `false` if all had them already. The store renames them; one that cannot copies them, and
 * then deletes what they are copies of. So once a load is applied nothing is left that could be moved or copied again, by whoever wakes late.
 */
export async function revealFiles(
  directory: string,
  files: readonly DataFile[],
  context: ApplyContext,
): Promise<boolean> {
  const { store, signal } = context;
  const reveal = store.capabilities.rename ? renameFile : copyFile;
  const limit = pLimit(CONCURRENT);
  // All are waited for: none may go on behind the back of an error.
  const results = await Promise.allSettled(
    files.map((file) =>
      limit(() => reveal(`${directory}/${file.staged}`, `${directory}/${file.final}`, context)),
    ),
  );
  const there = files.filter((_, index) => results[index]!.status === "fulfilled");
  const copied = files.filter((_, index) => isCopied(results[index]!));
  await store.sync(
    there.map(({ final }) => `${directory}/${final}`),
    { signal },
  );
  if (copied.length > 0)
    await store.delete(
      copied.map(({ staged }) => `${directory}/${staged}`),
      { signal },
    );
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return results.some((result) => result.status === "fulfilled" && result.value !== "there");
}

/** What became of a file: renamed or copied now, or found where it belongs. */
type Revealed = "renamed" | "copied" | "there";

function isCopied(result: PromiseSettledResult<Revealed>): boolean {
  return result.status === "fulfilled" && result.value === "copied";
}

async function renameFile(staged: string, final: string, context: ApplyContext): Promise<Revealed> {
  const { store, signal } = context;
  try {
    if (await store.rename(staged, final, { signal })) return "renamed";
    // Both are there: somebody moved a copy of it.
    await store.delete([staged], { signal });
    return "there";
  } catch (error) {
    return foundDone(error, staged, final, context);
  }
}

async function copyFile(staged: string, final: string, context: ApplyContext): Promise<Revealed> {
  const { store, signal } = context;
  signal.throwIfAborted();
  try {
    // Without the signal: a copy that is under way ends before the run does, not some time after it.
    await store.copy(staged, final);
    return "copied";
  } catch (error) {
    return foundDone(error, staged, final, context);
  }
}

/** A staged file that is gone has its final name, or somebody deleted it. */
async function foundDone(
  error: unknown,
  staged: string,
  final: string,
  { store, signal }: ApplyContext,
): Promise<"there"> {
  if (!AlluviumError.is(error) || error.code !== "ALV_NOT_FOUND") throw error;
  if ((await store.head(final, { signal })) !== undefined) return "there";
  throw new AlluviumError(
    "ALV_NOT_FOUND",
    `the file ${staged} of a committed load is gone, and ${final} is not there either: somebody deleted it before it was applied`,
    { cause: error },
  );
}
