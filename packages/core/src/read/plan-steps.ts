import type { Disposition } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import type { Step } from "../resource-definition.ts";
import type { Field, Schema } from "../schema/types.ts";
import { fieldOfHint } from "../schema/hints.ts";

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
  if (primaryKey.length === 0)
    throw refused(
      name,
      `merges, but has no key${steps.length === 0 ? "" : " after its transforms"}: name it with as(${JSON.stringify(name)}, { primaryKey: … })`,
    );
  const plans: KeyNames[] = [];
  // From the end: the key as it is called before each step.
  let names = new Map(primaryKey.map((column) => [column, column]));
  let flattened = false;
  for (const step of steps.toReversed()) {
    switch (step.kind) {
      case "rename": {
        const before = new Map(Object.entries(step.names).map(([from, to]) => [to, from]));
        names = new Map([...names].map(([column, last]) => [before.get(column) ?? column, last]));
        break;
      }
      case "select": {
        const lost = [...names.keys()].filter((column) => !step.columns.includes(column));
        if (lost.length > 0)
          throw refused(name, `merges by ${primaryKey.join(", ")}, but select leaves out ${lost.join(", ")}`);
        break;
      }
      case "flatMap":
        flattened = true;
        break;
      case "filter":
        if (flattened)
          throw refused(
            name,
            "merges, and a row that filter refuses there is a delete of its key; the flatMap after it makes other keys, which are not known for such a row. Filter after flatMap, or let the resource replace its table",
          );
        break;
      case "map":
        break;
    }
    plans.unshift(names);
  }
  return plans;
}

/** The columns that are known after the steps. After a map only those with hints are. */
export function schemaAfter(schema: Schema, steps: readonly Step[]): Schema {
  let fields = schema.fields;
  for (const step of steps)
    if (step.kind === "select") fields = fields.filter(({ name }) => step.columns.includes(name));
    else if (step.kind === "rename") fields = fields.map((field) => renameField(field, step.names));
    else if (step.kind !== "filter")
      fields = Object.entries(step.columns).map(([name, hint]) => fieldOfHint(name, hint));
  return { fields };
}

/** A field under its new name, if it gets one. */
export function renameField(field: Field, names: { readonly [from: string]: string }): Field {
  return Object.hasOwn(names, field.name) ? { ...field, name: names[field.name]! } : field;
}

/** What a column is called after the steps; `undefined` when it does not come through as it is. */
export function columnAfter(column: string, steps: readonly Step[]): string | undefined {
  let name = column;
  for (const step of steps)
    if (step.kind === "map" || step.kind === "flatMap") return undefined;
    else if (step.kind === "rename") name = Object.hasOwn(step.names, name) ? step.names[name]! : name;
    else if (step.kind === "select" && !step.columns.includes(name)) return undefined;
  return name;
}

function refused(name: string, why: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `resource ${JSON.stringify(name)} ${why}`, {
    resource: name,
    step: "plan",
  });
}
