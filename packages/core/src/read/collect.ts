import type { Appender } from "../columns/append.ts";
import type { Batch } from "../columns/batch.ts";
import { describeValue } from "../columns/refuse.ts";
import { isCheckpoint } from "../checkpoint.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import { refusedRow } from "./refused.ts";
import type { RefusedRow } from "../refused-row.ts";
import type { ReadRoot } from "../resource-definition.ts";
import type { Json } from "../state/json.ts";
import { formOf, type ValueForm } from "./resource-cursor.ts";
import { placed } from "./steps.ts";
import { validateRow, withoutRefused } from "./validate.ts";

/** What a user's read yields, gathered: rows in columns, or a position. */
export type Gathered =
  | {
      readonly batch: Batch;
      readonly rows: readonly object[] | undefined;
      readonly form: ValueForm | undefined;
      /** To be called when nobody reads the batch any more. */
      readonly release: () => void;
    }
  | {
      readonly refused: readonly RefusedRow[];
      readonly given: readonly unknown[];
      /** Values that were left out of other rows. */
      readonly values: number;
    }
  | { readonly position: Json };

/** How {@link collect} gathers. */
export interface CollectOptions {
  readonly root: ReadRoot;
  readonly appender: Appender;
  readonly signal: AbortSignal;
  /** Whether the objects are kept beside the columns. */
  readonly keepsRows: boolean;
  /** Whether a value that is refused is left out, where the rest of its row can be without it. */
  readonly leavesOut: boolean;
  /** Bytes after which a batch is cut. */
  readonly targetBytes: number;
  /** Rows after which a batch is cut. */
  readonly targetRows: number;
}

/** Rows between two looks at the size of what was gathered. */
const STRIDE = 64;

/** Refused rows that are held before they are handed on. */
const MAX_REFUSED = 1000;

/** Gathers what `read` yields into batches of about the target size; those before a position are cut there. */
export async function* collect(
  items: AsyncIterable<unknown> | Iterable<unknown>,
  options: CollectOptions,
): AsyncGenerator<Gathered> {
  const { root, appender, signal, keepsRows, leavesOut, targetBytes, targetRows } = options;
  const { name, schema, validate, cursor } = root;
  const checks = validate ? schema : undefined;
  let rows: object[] = [];
  let refused: RefusedRow[] = [];
  let given: unknown[] = [];
  let values = 0;
  let number = 0;
  let form: ValueForm | undefined;

  function append(row: unknown): void {
    appender.append(row as object);
    if (keepsRows) rows.push(row as object);
    if (cursor !== undefined && form === undefined)
      form = formOf((row as Readonly<Record<string, unknown>>)[cursor.column]);
  }
  /** A row that its schema or its columns refuse; whether that ends the run is the contract's. Everything else is thrown. */
  function refuse(error: unknown, row: unknown, rule: string): void {
    const problem = placed(error, name);
    if (!AlluviumError.is(problem) || problem.code !== "ALV_ROW_INVALID") throw problem;
    refused.push(refusedRow(problem, row, { rule, number, key: root.primaryKey, cursor: cursor?.column }));
    given.push(row);
  }
  /** Appends what is left of a refused row without what was wrong with it, if that can be. */
  async function appendRest(error: unknown, row: unknown): Promise<boolean> {
    const problem = placed(error, name);
    const rest =
      AlluviumError.is(problem) && problem.code === "ALV_ROW_INVALID" && withoutRefused(row, problem);
    if (!rest) return false;
    try {
      append(checks === undefined ? rest.row : await validateRow(checks, rest.row, name, number));
    } catch (again) {
      if (AlluviumError.is(again) && again.code === "ALV_ROW_INVALID") return false;
      throw again;
    }
    values += rest.values;
    return true;
  }
  function isFull(): boolean {
    const { length } = appender;
    if (length >= targetRows) return true;
    return length % STRIDE === 0 && appender.byteLength >= targetBytes;
  }
  function* cut(): Generator<Gathered> {
    if (refused.length > 0 || values > 0) yield { refused, given, values };
    values = 0;
    refused = [];
    given = [];
    if (appender.length === 0) return;
    const batch = appender.finish();
    let lent: Batch | undefined = batch;
    const release = (): void => {
      if (lent !== undefined) appender.recycle(lent);
      lent = undefined;
    };
    const gathered: Gathered = { batch, rows: keepsRows ? rows : undefined, form, release };
    rows = [];
    yield gathered;
  }

  for await (const item of iterable(items, name)) {
    signal.throwIfAborted();
    if (isCheckpoint(item)) {
      yield* cut();
      yield { position: item.position };
      continue;
    }
    const list: readonly unknown[] = Array.isArray(item) ? item : [item];
    for (const row of list) {
      number += 1;
      let rule = "schema";
      try {
        // A promise of a schema is waited for; one in place of a row is none.
        const checked = checks && validateRow(checks, row, name, number);
        const made = checked instanceof Promise ? await checked : checked;
        rule = "type";
        append(checks === undefined ? row : made);
      } catch (error) {
        if (leavesOut && (await appendRest(error, row))) continue;
        // In a declared order a refused row has its place between the others.
        if (cursor?.order === "ascending" && appender.length > 0) yield* cut();
        refuse(error, row, rule);
        if (cursor?.order === "ascending") yield* cut();
      }
      if (isFull() || refused.length >= MAX_REFUSED) yield* cut();
    }
  }
  signal.throwIfAborted();
  yield* cut();
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
