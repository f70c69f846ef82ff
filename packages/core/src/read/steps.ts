import type { Mask } from "../mask.ts";
import { castConversions } from "./cast-columns.ts";
import { convertColumns } from "./convert-columns.ts";
import { maskConversions } from "./mask-columns.ts";
import type { Reveal } from "./reveal.ts";
import { createAppender } from "../columns/append.ts";
import { ChangeOp, type Batch } from "../columns/batch.ts";
import { describeValue } from "../columns/refuse.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import type { RowStep, Step } from "../resource-definition.ts";
import { messageOf } from "../run/retry.ts";
import { keyBatch, sameKey } from "./deletes.ts";
import { later } from "./later.ts";
import { mapRows } from "./map-rows.ts";
import { nameAfter, type KeyNames } from "../plan-steps.ts";
import { changePortion, portionOfRows, takeOrdinals, takePortion, type Portion } from "./portion.ts";

/** A portion after one or more steps, at once or later. */
export type StepRunner = (portion: Portion) => Portion | Promise<Portion>;

/** What steps are run with. */
export interface StepsToRun {
  readonly resource: string;
  readonly steps: readonly Step[];
  /** Of {@link planSteps}. */
  readonly keys: readonly (KeyNames | undefined)[];
  readonly signal: AbortSignal;
  readonly reveal: Reveal;
}

/** Makes the steps of a resource ready for one read. */
export function runnerOf({ resource, steps, keys, signal, reveal }: StepsToRun): StepRunner {
  const runners = steps.map((step, i): StepRunner => {
    const key = keys[i];
    switch (step.kind) {
      case "select":
        return (portion) => selectColumns(portion, step.columns, resource);
      case "rename":
        return (portion) => renameColumns(portion, step.names);
      case "cast":
        return convertColumns(castConversions(step.columns, resource), key);
      case "mask":
        return maskColumns(step.columns, key, resource, reveal);
      case "filter":
        return byRows(step, resource, signal, (portion, kept) => split(portion, kept, key, resource));
      case "map": {
        const after = keys[i + 1] ?? (key && new Map(Array.from(key.values(), (name) => [name, name])));
        const toBatch = batcher(step, resource);
        return byRows(step, resource, signal, (portion, made) => {
          const rows = made.map((row) => checkRow(row, "map", resource));
          // A delete goes by the key of the row as it was, so a map that is passed by one must leave the key alone.
          if (after !== undefined && portion.deletes !== undefined)
            portion.rows().forEach((row, at) => sameKey(row, rows[at]!, after, resource));
          return portionOfRows(rows, toBatch, portion);
        });
      }
      case "flatMap": {
        const toBatch = batcher(step, resource);
        return byRows(step, resource, signal, (portion, made) => flatten(portion, made, toBatch, resource));
      }
    }
  });
  return (portion) =>
    runners.reduce<Portion | Promise<Portion>>((current, run) => later(current, run), portion);
}

function selectColumns(portion: Portion, columns: readonly string[], resource: string): Portion {
  const pick = (row: Record<string, unknown>): object =>
    Object.fromEntries(columns.filter((column) => column in row).map((column) => [column, row[column]]));
  return changePortion(portion, pick, (batch) => {
    const names = batch.schema.fields.map(({ name }) => name);
    // A column that no row has had yet may still come; one that is only misspelled is caught by the types and by an empty table.
    const found = columns.map((column) => names.indexOf(column)).filter((at) => at >= 0);
    if (found.length === 0 && batch.length > 0 && names.length > 0)
      throw resourceError(
        "ALV_CONFIG",
        resource,
        `select names ${columns.join(", ")}, but the rows have ${names.join(", ")}`,
      );
    const { changes } = batch;
    const unchanged = changes?.unchanged;
    return {
      ...batch,
      schema: { fields: found.map((at) => batch.schema.fields[at]!) },
      columns: found.map((at) => batch.columns[at]!),
      ...(unchanged !== undefined && {
        changes: { ...changes!, unchanged: found.map((at) => unchanged[at]) },
      }),
    };
  });
}

function renameColumns(portion: Portion, names: { readonly [from: string]: string }): Portion {
  const respell = (row: object): object =>
    Object.fromEntries(Object.entries(row).map(([column, value]) => [nameAfter(column, names), value]));
  return changePortion(portion, respell, (batch) => renameBatch(batch, names));
}

function renameBatch(batch: Batch, names: { readonly [from: string]: string }): Batch {
  const { schema, changes } = batch;
  return {
    ...batch,
    schema: { fields: schema.fields.map((field) => ({ ...field, name: nameAfter(field.name, names) })) },
    ...(changes?.oldKeys !== undefined && {
      changes: { ...changes, oldKeys: renameBatch(changes.oldKeys, names) },
    }),
  };
}

/** Masks columns; the secrets are asked for when the first rows come. */
function maskColumns(
  masks: { readonly [column: string]: Mask },
  key: KeyNames | undefined,
  resource: string,
  reveal: Reveal,
): StepRunner {
  let ready: ((portion: Portion) => Portion) | undefined;
  return (portion) => {
    if (ready !== undefined) return ready(portion);
    return maskConversions(masks, resource, reveal).then(
      (conversions) => {
        ready = convertColumns(conversions, key);
        return ready(portion);
      },
      (error: unknown) => {
        throw placed(error, resource);
      },
    );
  };
}

/** A step that calls the user's function for each row. */
function byRows(
  { kind, call, concurrency }: RowStep,
  resource: string,
  signal: AbortSignal,
  finish: (portion: Portion, results: readonly unknown[]) => Portion,
): StepRunner {
  const failed = (error: unknown, row: object): never => {
    signal.throwIfAborted();
    throw resourceError(
      "ALV_SOURCE_FAILED",
      resource,
      `${kind} failed for the row ${describeValue(row)}: ${messageOf(error)}`,
      { cause: error },
    );
  };
  const guarded = (row: object): unknown => {
    try {
      const made = call(row);
      const result = kind === "flatMap" && isAsyncIterable(made) ? gather(made) : made;
      return result instanceof Promise ? result.catch((error: unknown) => failed(error, row)) : result;
    } catch (error) {
      return failed(error, row);
    }
  };
  return (portion) =>
    later(mapRows(portion.rows(), guarded, { concurrency, signal }), (results) => finish(portion, results));
}

/** The rows that are kept; what is refused becomes a delete of its key in a resource that merges. */
function split(
  portion: Portion,
  verdicts: readonly unknown[],
  key: KeyNames | undefined,
  resource: string,
): Portion {
  const kept: number[] = [];
  const refused: number[] = [];
  verdicts.forEach((verdict, i) => (verdict ? kept : refused).push(i));
  if (refused.length === 0) return portion;
  const left = takePortion(portion, Int32Array.from(kept));
  if (key === undefined || portion.ordinals === undefined) return left;
  const gone = takePortion(portion, Int32Array.from(refused));
  const keys = keyBatch(gone.batch(), key, resource);
  const deleted = { op: ChangeOp.delete, keys, ordinals: gone.ordinals! };
  return { ...left, deletes: [...(portion.deletes ?? []), deleted] };
}

function flatten(
  portion: Portion,
  made: readonly unknown[],
  toBatch: (rows: readonly object[]) => Batch,
  resource: string,
): Portion {
  const rows: object[] = [];
  const parents: number[] = [];
  made.forEach((some, parent) => {
    if (typeof some !== "object" || some === null || !(Symbol.iterator in some))
      throw resourceError(
        "ALV_CONFIG",
        resource,
        `flatMap returned ${describeValue(some)}, not rows; return an array (an empty one for none)`,
      );
    for (const row of some as Iterable<unknown>) {
      rows.push(checkRow(row, "flatMap", resource));
      parents.push(parent);
    }
  });
  const { ordinals, deletes, locate } = portion;
  return portionOfRows(rows, toBatch, {
    ordinals: ordinals && takeOrdinals(ordinals, parents),
    deletes,
    locate: locate && ((row) => locate(parents[row]!)),
  });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<object> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

async function gather(rows: AsyncIterable<object>): Promise<readonly object[]> {
  const gathered: object[] = [];
  for await (const row of rows) gathered.push(row);
  return gathered;
}

/** Rows to columns, with types that stay as they were in the batches before. */
function batcher({ columns, inference }: RowStep, resource: string): (rows: readonly object[]) => Batch {
  const appender = createAppender({ columns, ...inference });
  return (rows) => {
    try {
      for (const row of rows) appender.append(row);
    } catch (error) {
      throw placed(error, resource);
    }
    return appender.finish();
  };
}

/** A refusal with the resource in its message. */
export function placed(error: unknown, resource: string): unknown {
  if (!AlluviumError.is(error) || error.resource !== undefined) return error;
  const { code, message, cause, retryable } = error;
  return resourceError(code, resource, message, { cause, retryable });
}

function checkRow(row: unknown, method: string, resource: string): object {
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  throw resourceError(
    "ALV_ROW_INVALID",
    resource,
    `${method} returned ${describeValue(row)}, which is no row; rows are objects`,
  );
}
