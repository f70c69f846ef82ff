import { randomUUID } from "node:crypto";
import { AlluviumError } from "@alluvium/core";
import { isScalar } from "@alluvium/core/columns";
import type { AddFile } from "../log/actions.ts";
import type { TableState } from "../log/state.ts";
import { columnsOf } from "../read/columns.ts";
import { allFields } from "../types.ts";
import { byPartition, type Bin, type Candidate } from "./bins.ts";

/** Tag of an `add`: the columns that a sort ordered the file by, and which sort it was. */
const TAG = "alluvium.order";

/** A column to order by. */
export interface OrderColumn {
  readonly name: string;
  /** Its place among the columns of a file; `undefined`: a partition column, which is the same in all rows that are sorted together. */
  readonly index: number | undefined;
}

/** The columns to order by, looked up. Throws `ALV_CONFIG` for a name that the table lacks or a type without an order. */
export function orderColumns(names: readonly string[], state: TableState): readonly OrderColumn[] {
  if (names.length === 0) throw new AlluviumError("ALV_CONFIG", "optimize: orderBy names no column");
  const columns = columnsOf(state);
  const stored = columns.filter(({ partition, type }) => !partition && type.kind !== "null");
  for (const { name, type } of allFields({ type: "struct", fields: stored.map(({ field }) => field) }))
    if (type === "void")
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        `optimize: member ${name} of a struct has no type yet, so that rows with it cannot be sorted. Leave orderBy out.`,
      );
  return names.map((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined)
      throw new AlluviumError(
        "ALV_CONFIG",
        `optimize: orderBy names "${name}"; the table has ${columns.map((candidate) => candidate.name).join(", ")}`,
      );
    if (!isScalar(column.type))
      throw new AlluviumError(
        "ALV_CONFIG",
        `optimize: orderBy names "${name}", a ${column.type.kind}, which has no order`,
      );
    const index = stored.indexOf(column);
    return { name, index: index < 0 ? undefined : index };
  });
}

/** What the log says of files that come from one sort. */
export function orderTag(columns: readonly OrderColumn[]): Readonly<Record<string, string>> {
  return { [TAG]: JSON.stringify({ by: namesOf(columns), sort: randomUUID() }) };
}

/** Whole partitions, except those that one sort left as they are. */
export function orderedBins(
  candidates: readonly Candidate[],
  columns: readonly OrderColumn[],
): readonly Bin[] {
  return [...byPartition(candidates).values()].flatMap((members): Bin[] => {
    const files = members.map(({ add }) => add);
    if (isSorted(files, columns) && !members.some(({ purge }) => purge)) return [];
    return [{ partitionValues: files[0]!.partitionValues, files }];
  });
}

function isSorted(files: readonly AddFile[], columns: readonly OrderColumn[]): boolean {
  const tag = files[0]!.tags?.[TAG];
  if (typeof tag !== "string" || !files.every(({ tags }) => tags?.[TAG] === tag)) return false;
  return tag.startsWith(`{"by":${JSON.stringify(namesOf(columns))},`);
}

function namesOf(columns: readonly OrderColumn[]): readonly string[] {
  return columns.map(({ name }) => name);
}
