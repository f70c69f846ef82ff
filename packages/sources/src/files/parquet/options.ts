import { AlluviumError } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import { checkNames } from "../format-options.ts";

/** Options of {@link parquet}. */
export interface ParquetOptions {
  /**
   * Names of the columns that are read, as they stand in the files; the bytes of others are not fetched. A file that lacks some of them gives
   * no value for those; one that lacks all of them is `ALV_SOURCE_NOT_FOUND`.
   * @default all
   */
  readonly columns?: readonly string[];
  /**
   * What becomes of times in nanoseconds (and of INT96) that lie between two microseconds, the finest that columns hold: `refuse` ends the read with
   * `ALV_VALUE_UNREPRESENTABLE`, `floor` takes the microsecond below.
   * @default "refuse"
   */
  readonly nanoseconds?: "refuse" | "floor";
}

/** Options with their defaults. */
export interface CheckedParquet {
  readonly columns: readonly string[] | undefined;
  readonly nanoseconds: "refuse" | "floor";
}

/** Throws `ALV_CONFIG` naming the option. */
export function checkParquet(options: ParquetOptions): CheckedParquet {
  checkNames("parquet", options, ["columns", "nanoseconds"]);
  const { columns, nanoseconds = "refuse" } = options;
  if (columns !== undefined) {
    const given: unknown = columns;
    if (!Array.isArray(given) || !given.every((name) => typeof name === "string"))
      throw config(`columns must be a list of names, not ${describeValue(given)}`);
    if (columns.length === 0) throw config("columns is empty; name the columns to read, or leave it out");
    const twice = columns.find((name, i) => columns.indexOf(name) !== i);
    if (twice !== undefined) throw config(`columns names ${JSON.stringify(twice)} twice`);
  }
  if (nanoseconds !== "refuse" && nanoseconds !== "floor")
    throw config(`nanoseconds is ${JSON.stringify(nanoseconds)}; it must be "refuse" or "floor"`);
  return { columns, nanoseconds };
}

function config(why: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `parquet: ${why}`, { step: "open" });
}
