import { AlluviumError } from "@alluvium/core";
import type { Refusal } from "../sql/engine.ts";

/** What DuckDB says where a constraint of a table's own refuses rows, up to the first colon: after it may come values. */
export function refusalOf(error: unknown): Refusal | undefined {
  const cause = AlluviumError.is(error) ? error.cause : error;
  if (!(cause instanceof Error) || !cause.message.startsWith("Constraint Error")) return undefined;
  const message = /^Constraint Error: *([^":]*(?:"[^"]*"[^":]*)?(?:: *[A-Za-z_][\w.]*)?)/.exec(
    cause.message,
  )?.[1];
  return { message: message?.trim() || "a constraint", table: undefined };
}

/** An error of DuckDB as one of ours: its kind is known by the words at its start. */
export function duckdbError(error: unknown, what: string): AlluviumError {
  if (AlluviumError.is(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  const make = (
    code: ConstructorParameters<typeof AlluviumError>[0],
    more = "",
    retryable?: boolean,
  ): AlluviumError =>
    new AlluviumError(code, `duckdb: cannot ${what}: ${text}${more}`, {
      cause: error,
      ...(retryable === undefined ? {} : { retryable }),
    });
  if (/^TransactionContext Error|write-write conflict|Transaction conflict/.test(text))
    return make("ALV_TABLE_CONFLICT");
  if (/Could not set lock on file/.test(text))
    return make(
      "ALV_CONNECTION",
      ". DuckDB lets one process at a time open a file for writing: close it there, or run this in that process with its `instance`",
    );
  if (/No space left on device|disk is full|max_temp_directory_size/.test(text))
    return make("ALV_STORE_FULL", ". Make room, then run again");
  if (text.startsWith("Out of Memory Error"))
    return make("ALV_STORE_FAILED", ". Raise DuckDB's `memory_limit`, or give it a `temp_directory`", false);
  if (/file system operations are disabled|enable_external_access/.test(text))
    return make(
      "ALV_CONFIG",
      ". Rows are staged as Parquet files that DuckDB reads: set `enable_external_access`, or list the folder of `staging` in `allowed_directories`",
    );
  return make("ALV_STORE_FAILED", "", false);
}
