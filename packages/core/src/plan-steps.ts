import type { Disposition } from "./disposition.ts";
import { resourceError, type AlluviumError } from "./errors.ts";
import type { Step } from "./resource-definition.ts";
import type { Schema } from "./schema/types.ts";
import { fieldsOfHints } from "./schema/hints.ts";
import type { Partition } from "./stream.ts";

/** What a resource's steps are planned from. */
export interface StepsToPlan {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly disposition: Disposition;
  readonly primaryKey: readonly string[];
}

/** The key columns at a step, each with the name that it has in the end. */
export type KeyNames = ReadonlyMap<string, string>;

/**
 * For each step the names of the key columns before it, in a resource that merges; `undefined` in others. Throws `ALV_CONFIG` for what cannot
 * be: a merge without a key, or a filter whose refused rows cannot be told by the key in the end.
 */
export function planSteps({
  name,
  steps,
  disposition,
  primaryKey,
}: StepsToPlan): readonly (KeyNames | undefined)[] {
  if (disposition.kind !== "merge") return steps.map(() => undefined);
  const refuse = (why: string): AlluviumError =>
    resourceError("ALV_CONFIG", name, `it merges, ${why}`, { step: "plan" });
  if (primaryKey.length === 0)
    throw refuse(
      `but has no key${steps.length === 0 ? "" : " after its transforms"}: name it with as(${JSON.stringify(name)}, { primaryKey: … })`,
    );
  const plans: KeyNames[] = [];
  // From the end: the key as it is called before each step.
  let names = new Map(primaryKey.map((column) => [column, column]));
  let flattened = false;
  for (const step of steps.toReversed()) {
    if (step.kind === "rename") {
      const before = new Map(Object.entries(step.names).map(([from, to]) => [to, from]));
      names = new Map(Array.from(names, ([column, last]) => [before.get(column) ?? column, last]));
    } else if (step.kind === "select") {
      const lost = [...names.keys()].filter((column) => !step.columns.includes(column));
      if (lost.length > 0) throw refuse(`but select leaves out ${lost.join(", ")} of its key`);
    } else if (step.kind === "filter" && flattened)
      throw refuse(
        "and a row that filter refuses is a delete of its key, which is not known where a flatMap makes other keys later. Filter after flatMap, or let the resource replace its table",
      );
    flattened ||= step.kind === "flatMap";
    plans.unshift(names);
  }
  return plans;
}

/** What a column is called after the steps; `undefined` when it does not come through as it is. */
export function columnAfter(column: string, steps: readonly Step[]): string | undefined {
  let name = column;
  for (const step of steps) {
    if (step.kind === "map" || step.kind === "flatMap") return undefined;
    if (step.kind === "rename") name = nameAfter(name, step.names);
    if (step.kind === "select" && !step.columns.includes(name)) return undefined;
  }
  return name;
}

/** The key after the steps: none where one of its columns does not come through. */
export function keyAfter(key: readonly string[], steps: readonly Step[]): readonly string[] {
  const columns = key.map((column) => columnAfter(column, steps));
  return columns.every((column) => column !== undefined) ? columns : [];
}

/** The partitions after the steps: those whose columns come through. */
export function partitionsAfter(
  partitions: readonly Partition[],
  steps: readonly Step[],
): readonly Partition[] {
  return partitions.flatMap((partition) => {
    const column = columnAfter(partition.column, steps);
    return column === undefined ? [] : [{ ...partition, column }];
  });
}

/** The columns that are known after the steps. After a map only those with hints are. */
export function schemaAfter({ fields }: Schema, steps: readonly Step[]): Schema {
  const at = steps.findLastIndex(({ kind }) => kind === "map" || kind === "flatMap");
  const map = steps[at];
  const known = map !== undefined && "call" in map ? fieldsOfHints(map.columns) : fields;
  return {
    fields: known.flatMap((field) => {
      const name = columnAfter(field.name, steps.slice(at + 1));
      return name === undefined ? [] : [{ ...field, name }];
    }),
  };
}

/** A column's name after a rename. */
export function nameAfter(name: string, names: { readonly [from: string]: string }): string {
  return Object.hasOwn(names, name) ? names[name]! : name;
}
