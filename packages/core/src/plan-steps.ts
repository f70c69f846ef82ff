import { decidingColumns, type Disposition, type MergeOptions } from "./disposition.ts";
import type { Mask } from "./mask.ts";
import { resourceError, type AlluviumError } from "./errors.ts";
import type { Check } from "./quality/check.ts";
import type { Step, TableDefinition } from "./resource-definition.ts";
import type { Field, Schema } from "./schema/types.ts";
import { fieldOfHint, fieldsOfHints } from "./schema/hints.ts";
import type { Partition } from "./stream.ts";

/** What a resource's steps are planned from. */
export interface StepsToPlan {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly disposition: Disposition;
  readonly primaryKey: readonly string[];
  readonly merge?: MergeOptions | undefined;
  /** Whether its rows may leave columns as they are. */
  readonly partial?: boolean | undefined;
}

/** The key columns at a step, each with the name that it has in the end. */
export type KeyNames = ReadonlyMap<string, string>;

/**
 * For each step the names of the key columns before it, in a resource that merges; `undefined` in others. Throws `ALV_CONFIG` for what cannot
 * be: a merge without a key, a filter whose refused rows cannot be told by the key in the end, a masked column by which a merge decides, a
 * transform by rows of rows that are not whole.
 */
export function planSteps(plan: StepsToPlan): readonly (KeyNames | undefined)[] {
  const { name, steps, disposition, primaryKey } = plan;
  checkPartial(plan);
  for (const step of steps) if (step.kind === "cast") fieldsOfHints(step.columns);
  if (disposition.kind !== "merge") return steps.map(() => undefined);
  const refuse = (why: string): AlluviumError =>
    resourceError("ALV_CONFIG", name, `it merges, ${why}`, { step: "plan" });
  if (primaryKey.length === 0)
    throw refuse(
      `but has no key${steps.length === 0 ? "" : " after its transforms"}: name it with as(${JSON.stringify(name)}, { primaryKey: … })`,
    );
  checkMasks(plan, refuse);
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

function checkPartial({ name, steps, disposition, partial }: StepsToPlan): void {
  if (partial !== true) return;
  const merges =
    disposition.kind === "merge" && (disposition.strategy === "upsert" || disposition.strategy === "scd2");
  const byRows = steps.find((step) => "call" in step);
  const why = !merges
    ? 'what they leave out is taken from the row that is there, so it must merge: disposition "merge", or { merge: "scd2" }'
    : byRows === undefined
      ? undefined
      : `${byRows.kind} would see rows without what they leave out. Use select, rename, cast or mask, or do it in read`;
  if (why !== undefined)
    throw resourceError("ALV_CONFIG", name, `its rows are partial, and ${why}`, { step: "plan" });
}

/** A merge finds, orders and deletes rows by the masked values. */
function checkMasks({ steps, primaryKey, merge }: StepsToPlan, refuse: (why: string) => AlluviumError): void {
  const masked = new Map<string, Mask>();
  steps.forEach((step, i) => {
    if (step.kind === "map" || step.kind === "flatMap") masked.clear();
    if (step.kind !== "mask") return;
    for (const [column, mask] of Object.entries(step.columns)) {
      const last = columnAfter(column, steps.slice(i + 1));
      if (last !== undefined) masked.set(last, mask);
    }
  });
  const keys = [...primaryKey, ...(merge?.mergeKey ?? [])];
  const redacted = keys.find((column) => masked.get(column)?.kind === "redact");
  if (redacted !== undefined)
    throw refuse(
      `and redact would make all values of its key column ${redacted} one: use sha256 or tokenize`,
    );
  const deciding = decidingColumns(merge).find((column) => masked.has(column) && !keys.includes(column));
  if (deciding !== undefined)
    throw refuse(`and masks ${deciding}, whose values it needs to order, delete or date rows`);
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

/** The partitions after the steps: those whose columns come through, and if they are derived still are dates or timestamps. */
export function partitionsAfter(
  partitions: readonly Partition[],
  steps: readonly Step[],
): readonly Partition[] {
  return steps.reduce(
    (before, step) =>
      before.flatMap((partition) => {
        const column = columnAfter(partition.column, [step]);
        const isLost = partition.transform !== undefined && !staysTime(partition.column, step);
        return column === undefined || isLost ? [] : [{ ...partition, column }];
      }),
    partitions,
  );
}

function staysTime(column: string, step: Step): boolean {
  if ((step.kind !== "cast" && step.kind !== "mask") || !Object.hasOwn(step.columns, column)) return true;
  const hint = step.kind === "cast" ? step.columns[column]! : undefined;
  return hint?.type === "date" || hint?.type === "timestamp";
}

/**
 * The checks after the steps that came later than they: with the columns' new names, and without those whose columns `select` left out. Throws
 * `ALV_CONFIG` where rows are made anew, and where a function would see other rows than it was written for.
 */
export function checksAfter(
  resource: string,
  declared: TableDefinition["checks"],
  steps: readonly Step[],
): readonly Check[] | undefined {
  if (declared === undefined) return undefined;
  const later = steps.slice(declared.step).filter(({ kind }) => kind !== "filter");
  return declared.list.flatMap((check) => {
    const { name, columns, rule } = check;
    const anew = later.find(({ kind }) => rule.kind === "check" || kind === "map" || kind === "flatMap");
    if (anew !== undefined)
      throw resourceError(
        "ALV_CONFIG",
        resource,
        `its check ${name} is about rows as they were before ${anew.kind}: say what holds for them now with as(${JSON.stringify(resource)}, { checks: […] })`,
        { step: "plan" },
      );
    if (check.list !== undefined) {
      const [column = "", ...path] = check.list.split(".");
      const now = columnAfter(column, later);
      return now === undefined ? [] : { ...check, list: [now, ...path].join(".") };
    }
    const renamed = columns.map((column) => columnAfter(column, later));
    if (renamed.some((column) => column === undefined)) return [];
    const names = renamed as string[];
    if (rule.kind !== "reconcile") return { ...check, columns: names };
    const sums = Object.fromEntries(columns.map((column, i) => [names[i]!, rule.sums![column]!]));
    return { ...check, columns: names, rule: { ...rule, sums } };
  });
}

/** The columns that are masked after the steps. What a map makes is the program's. */
export function maskedAfter(masked: readonly string[], steps: readonly Step[]): readonly string[] {
  return steps.reduce((before, step) => {
    const now = step.kind === "mask" ? [...before, ...Object.keys(step.columns)] : before;
    return [...new Set(now)].flatMap((column) => columnAfter(column, [step]) ?? []);
  }, masked);
}

/** The columns that are known after the steps. After a map only those with hints are. */
export function schemaAfter({ fields }: Schema, steps: readonly Step[]): Schema {
  let known = fields;
  for (const step of steps) {
    if (step.kind === "map" || step.kind === "flatMap") known = fieldsOfHints(step.columns);
    else
      known = known.flatMap((field) => {
        const name = columnAfter(field.name, [step]);
        return name === undefined ? [] : [{ ...fieldAfter(field, step), name }];
      });
  }
  return { fields: known };
}

function fieldAfter(field: Field, step: Step): Field {
  if (step.kind !== "cast" && step.kind !== "mask") return field;
  if (!Object.hasOwn(step.columns, field.name)) return field;
  return step.kind === "mask"
    ? maskedField(field, step.columns[field.name]!)
    : fieldOfHint(field.name, step.columns[field.name]!, field);
}

/** A masked column holds texts. */
export function maskedField(field: Field, mask: Mask): Field {
  const isNull = mask.kind === "redact" && mask.text === null;
  return { ...field, type: { kind: "string" }, nullable: field.nullable || isNull };
}

/** A column's name after a rename. */
export function nameAfter(name: string, names: { readonly [from: string]: string }): string {
  return Object.hasOwn(names, name) ? names[name]! : name;
}
