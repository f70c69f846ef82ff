import type { Appender } from "../columns/append.ts";
import type { Batch } from "../columns/batch.ts";
import { describeValue } from "../columns/refuse.ts";
import { isCheckpoint } from "../checkpoint.ts";
import { resourceError } from "../errors.ts";
import type { ReadRoot } from "../resource-definition.ts";
import type { Json } from "../state/json.ts";
import { formOf, type ValueForm } from "./resource-cursor.ts";
import { placed } from "./steps.ts";
import { validateRow } from "./validate.ts";

/** What a user's read yields, gathered: rows in columns, or a position. */
export type Gathered =
  | {
      readonly batch: Batch;
      readonly rows: readonly object[] | undefined;
      readonly form: ValueForm | undefined;
    }
  | { readonly position: Json };

/** How {@link collect} gathers. */
export interface CollectOptions {
  readonly root: ReadRoot;
  readonly appender: Appender;
  readonly signal: AbortSignal;
  /** Whether the objects are kept beside the columns. */
  readonly keepsRows: boolean;
  /** Bytes after which a batch is cut. */
  readonly targetBytes: number;
  /** Rows after which a batch is cut. */
  readonly targetRows: number;
}

/** Rows between two looks at the size of what was gathered. */
const STRIDE = 64;

/** Gathers what `read` yields into batches of about the target size; those before a position are cut there. */
export async function* collect(
  items: AsyncIterable<unknown> | Iterable<unknown>,
  options: CollectOptions,
): AsyncGenerator<Gathered> {
  const { root, appender, signal, keepsRows, targetBytes, targetRows } = options;
  const { name, schema, validate, cursor } = root;
  const checks = validate ? schema : undefined;
  let rows: object[] = [];
  let number = 0;
  let form: ValueForm | undefined;

  function append(row: unknown): void {
    try {
      appender.append(row as object);
    } catch (error) {
      throw placed(error, name);
    }
    if (keepsRows) rows.push(row as object);
    if (cursor !== undefined && form === undefined)
      form = formOf((row as Readonly<Record<string, unknown>>)[cursor.column]);
  }
  function isFull(): boolean {
    const { length } = appender;
    if (length >= targetRows) return true;
    return length % STRIDE === 0 && appender.byteLength >= targetBytes;
  }
  function cut(): Gathered {
    const gathered = { batch: appender.finish(), rows: keepsRows ? rows : undefined, form };
    rows = [];
    return gathered;
  }

  for await (const item of iterable(items, name)) {
    signal.throwIfAborted();
    if (isCheckpoint(item)) {
      if (appender.length > 0) yield cut();
      yield { position: item.position };
      continue;
    }
    const list: readonly unknown[] = Array.isArray(item) ? item : [item];
    for (const given of list) {
      number += 1;
      let row = given;
      if (checks !== undefined) {
        const checked = validateRow(checks, given, name, number);
        row = checked instanceof Promise ? await checked : checked;
      }
      append(row);
      if (isFull()) yield cut();
    }
  }
  signal.throwIfAborted();
  if (appender.length > 0) yield cut();
}

function iterable<Items extends AsyncIterable<unknown> | Iterable<unknown>>(
  items: Items,
  name: string,
): Items {
  const given: unknown = items;
  if (
    typeof given === "object" &&
    given !== null &&
    (Symbol.asyncIterator in given || Symbol.iterator in given)
  )
    return items;
  throw resourceError(
    "ALV_CONFIG",
    name,
    `read returned ${describeValue(given)}; it must be a generator (async *read() { yield rows; }) or return an iterable of rows`,
  );
}
