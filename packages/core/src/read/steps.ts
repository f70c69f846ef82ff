import { createAppender } from "../columns/append.ts";
import { ChangeOp, type Batch } from "../columns/batch.ts";
import { describeValue } from "../columns/refuse.ts";
import { rowsOf } from "../columns/rows.ts";
import { AlluviumError } from "../errors.ts";
import type { Step } from "../resource-definition.ts";
import { keyBatch, sameKey } from "./deletes.ts";
import { mapRows } from "./map-rows.ts";
import { renameField, type KeyNames } from "./plan-steps.ts";
import { portionOfRows, takeOrdinals, takePortion, type Baggage, type Portion } from "./portion.ts";

/** A portion after one or more steps, at once or later. */
export type StepRunner = (portion: Portion) => Portion | Promise<Portion>;

/** What steps are run with. */
export interface StepsToRun {
  readonly resource: string;
  readonly steps: readonly Step[];
  /** Of {@link planSteps}. */
  readonly keys: readonly (KeyNames | undefined)[];
  readonly signal: AbortSignal;
}

/** Makes the steps of a resource ready for one read. */
export function runnerOf({ resource, steps, keys, signal }: StepsToRun): StepRunner {
  const runners = steps.map((step, i) => {
    const after = keys[i + 1] ?? (keys[i] && new Map([...keys[i].values()].map((name) => [name, name])));
    switch (step.kind) {
      case "select":
        return (portion: Portion) => selectColumns(portion, step.columns, resource);
      case "rename":
        return (portion: Portion) => renameColumns(portion, step.names);
      case "filter":
        return filterer(step, keys[i], resource, signal);
      case "map":
        return mapper(step, after, resource, signal);
      case "flatMap":
        return flatMapper(step, resource, signal);
    }
  });
  return (portion) => runFrom(runners, 0, portion);
}

function runFrom(
  runners: readonly StepRunner[],
  start: number,
  portion: Portion,
): Portion | Promise<Portion> {
  let current = portion;
  for (let i = start; i < runners.length; i++) {
    const next = runners[i]!(current);
    if (next instanceof Promise) return next.then((later) => runFrom(runners, i + 1, later));
    current = next;
  }
  return current;
}

function baggageOf({ ordinals, deletes }: Portion): Baggage {
  return { ...(ordinals && { ordinals }), ...(deletes && { deletes }) };
}

function selectColumns(portion: Portion, columns: readonly string[], resource: string): Portion {
  const pick = (row: Record<string, unknown>): object =>
    Object.fromEntries(columns.filter((column) => column in row).map((column) => [column, row[column]]));
  return changeColumns(portion, pick, (batch) => {
    const at = columns.map((column) => batch.schema.fields.findIndex(({ name }) => name === column));
    // A column that no row has had yet may still come; one that is only misspelled is caught by the types and by an empty table.
    const found = at.filter((index) => index >= 0);
    if (found.length === 0 && batch.length > 0 && batch.schema.fields.length > 0)
      throw new AlluviumError(
        "ALV_CONFIG",
        `resource ${JSON.stringify(resource)}: select names ${columns.join(", ")}, but the rows have ${batch.schema.fields.map(({ name }) => name).join(", ")}`,
        { resource },
      );
    return {
      ...batch,
      schema: { fields: found.map((index) => batch.schema.fields[index]!) },
      columns: found.map((index) => batch.columns[index]!),
    };
  });
}

function renameColumns(portion: Portion, names: { readonly [from: string]: string }): Portion {
  const spell = (column: string): string => (Object.hasOwn(names, column) ? names[column]! : column);
  const respell = (row: object): object =>
    Object.fromEntries(Object.entries(row).map(([column, value]) => [spell(column), value]));
  return changeColumns(portion, respell, (batch) => ({
    ...batch,
    schema: { fields: batch.schema.fields.map((field) => renameField(field, names)) },
  }));
}

/** Other columns of the same rows. The schema stays one object as long as the original one does. */
function changeColumns(
  portion: Portion,
  changeRow: (row: Record<string, unknown>) => object,
  change: (batch: Batch) => Batch,
): Portion {
  let changed: Batch | undefined;
  let rows: readonly object[] | undefined;
  const batch = (): Batch => (changed ??= change(portion.batch()));
  return {
    length: portion.length,
    batch,
    rows: () =>
      (rows ??= portion.given
        ? portion.rows().map((row) => changeRow(row as Record<string, unknown>))
        : rowsOf(batch())),
    given: portion.given,
    ...baggageOf(portion),
  };
}

type RowStep<Kind> = Extract<Step, { readonly kind: Kind }>;

function filterer(
  step: RowStep<"filter">,
  key: KeyNames | undefined,
  resource: string,
  signal: AbortSignal,
): StepRunner {
  const keep = guarded(step.keep, "filter", resource, signal);
  const split = (portion: Portion, verdicts: readonly boolean[]): Portion => {
    const kept: number[] = [];
    const refused: number[] = [];
    verdicts.forEach((verdict, i) => (verdict ? kept : refused).push(i));
    if (refused.length === 0) return portion;
    const left = takePortion(portion, Int32Array.from(kept));
    if (key === undefined || portion.ordinals === undefined) return left;
    const gone = takePortion(portion, Int32Array.from(refused));
    const deleted = {
      op: ChangeOp.delete,
      keys: keyBatch(gone.batch(), key, resource),
      ordinals: gone.ordinals!,
    };
    return { ...left, deletes: [...(portion.deletes ?? []), deleted] };
  };
  return (portion) => {
    const verdicts = mapRows(portion.rows(), keep, { concurrency: step.concurrency, signal });
    return verdicts instanceof Promise
      ? verdicts.then((later) => split(portion, later))
      : split(portion, verdicts);
  };
}

function mapper(
  step: RowStep<"map">,
  key: KeyNames | undefined,
  resource: string,
  signal: AbortSignal,
): StepRunner {
  const toBatch = batcher(step.columns, resource);
  const map = guarded(step.map, "map", resource, signal);
  const finish = (portion: Portion, made: readonly object[]): Portion => {
    for (const row of made) checkRow(row, "map", resource);
    // A delete goes by the key of the row as it was, so a map that is passed by one must leave the key alone.
    if (key !== undefined && portion.deletes !== undefined)
      portion.rows().forEach((row, i) => sameKey(row, made[i]!, key, resource));
    return portionOfRows(made, toBatch, baggageOf(portion));
  };
  return (portion) => {
    const made = mapRows(portion.rows(), map, { concurrency: step.concurrency, signal });
    return made instanceof Promise ? made.then((later) => finish(portion, later)) : finish(portion, made);
  };
}

function flatMapper(step: RowStep<"flatMap">, resource: string, signal: AbortSignal): StepRunner {
  const toBatch = batcher(step.columns, resource);
  const map = guarded(
    (row: object): Iterable<object> | Promise<Iterable<object>> => {
      const made = step.map(row);
      // What is no object at all is refused below.
      return typeof made === "object" && made !== null && Symbol.asyncIterator in made ? gather(made) : made;
    },
    "flatMap",
    resource,
    signal,
  );
  const finish = (portion: Portion, made: readonly Iterable<object>[]): Portion => {
    const rows: object[] = [];
    const parents: number[] = [];
    made.forEach((some, parent) => {
      if (typeof some !== "object" || some === null || !(Symbol.iterator in some))
        throw new AlluviumError(
          "ALV_CONFIG",
          `resource ${JSON.stringify(resource)}: flatMap returned ${describeValue(some)}, not rows; return an array (an empty one for none)`,
          { resource },
        );
      for (const row of some) {
        checkRow(row, "flatMap", resource);
        rows.push(row);
        parents.push(parent);
      }
    });
    const { ordinals, deletes } = portion;
    return portionOfRows(rows, toBatch, {
      ...(ordinals && { ordinals: takeOrdinals(ordinals, parents) }),
      ...(deletes && { deletes }),
    });
  };
  return (portion) => {
    const made = mapRows(portion.rows(), map, { concurrency: step.concurrency, signal });
    return made instanceof Promise ? made.then((later) => finish(portion, later)) : finish(portion, made);
  };
}

async function gather(rows: AsyncIterable<object>): Promise<readonly object[]> {
  const gathered: object[] = [];
  for await (const row of rows) gathered.push(row);
  return gathered;
}

/** Rows to columns, with types that stay as they were in the batches before. */
function batcher(columns: RowStep<"map">["columns"], resource: string): (rows: readonly object[]) => Batch {
  const appender = createAppender({ columns });
  return (rows) => {
    try {
      for (const row of rows) appender.append(row);
    } catch (error) {
      throw AlluviumError.is(error) ? placed(error, resource) : error;
    }
    return appender.finish();
  };
}

/** A refusal with the resource in its message. */
export function placed(error: AlluviumError, resource: string): AlluviumError {
  if (error.resource !== undefined) return error;
  const { code, message, cause, retryable } = error;
  return new AlluviumError(code, `resource ${JSON.stringify(resource)}: ${message}`, {
    cause,
    retryable,
    resource,
  });
}

function checkRow(row: unknown, method: string, resource: string): void {
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return;
  throw new AlluviumError(
    "ALV_ROW_INVALID",
    `resource ${JSON.stringify(resource)}: ${method} returned ${describeValue(row)}, which is no row; rows are objects`,
    { resource },
  );
}

/** A user's function, whose failure says where it happened. */
function guarded<Result>(
  call: (row: object) => Result | Promise<Result>,
  method: string,
  resource: string,
  signal: AbortSignal,
): (row: object) => Result | Promise<Result> {
  const failed = (error: unknown, row: object): never => {
    signal.throwIfAborted();
    throw new AlluviumError(
      "ALV_SOURCE_FAILED",
      `resource ${JSON.stringify(resource)}: ${method} failed for the row ${describeValue(row)}: ${error instanceof Error ? error.message : String(error)}`,
      { resource, cause: error },
    );
  };
  return (row) => {
    try {
      const result = call(row);
      return result instanceof Promise ? result.catch((error: unknown) => failed(error, row)) : result;
    } catch (error) {
      return failed(error, row);
    }
  };
}
