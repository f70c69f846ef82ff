import { createAppender, type Appender } from "../columns/append.ts";
import { takeBatch } from "../columns/take.ts";
import { openBoundary } from "../cursor/boundary.ts";
import { cursorBefore, pointOfCursor, type ColumnCursor } from "../cursor/column-cursor.ts";
import { comparePoints } from "../cursor/order.ts";
import { AlluviumError } from "../errors.ts";
import type { AnyReadContext, ReadRoot } from "../resource-definition.ts";
import { fieldOfHint } from "../schema/hints.ts";
import { schemaOf } from "../schema/standard.ts";
import type { Schema } from "../schema/types.ts";
import type { StreamContext, TableDescription } from "../stream.ts";
import { rowsUpTo } from "./catch-up.ts";
import { collect } from "./collect.ts";
import { holdBack } from "./hold.ts";
import type { Origin, OriginItem, OriginRequest } from "./origin.ts";
import { portionOfBatch, takePortion, type Portion } from "./portion.ts";
import { resourceCursorCodec, userValue, type ResourceCursor, type ValueForm } from "./resource-cursor.ts";
import { rowsInWindow, rowsWithValue } from "./window.ts";

const MIB = 1024 * 1024;
const MAX_ROWS = 32_768;

/** The origin of resources that a user's function reads. */
export function readOrigin(root: ReadRoot): Origin {
  const { name, cursor } = root;
  const schema = knownSchema(root);
  const table: TableDescription = {
    name,
    schema,
    primaryKey: [],
    disposition: { kind: "append" },
    partitionBy: [],
    ...(cursor && { cursorColumn: cursor.column }),
  };
  return {
    name,
    codec: resourceCursorCodec,
    ...(cursor && { identity: { cursor: cursor.column } }),
    tables: new Map([[name, table]]),
    read: (request) => readPasses(root, schema, request),
    compare: (a, b) => compareResourceCursors(root, a as ResourceCursor, b as ResourceCursor),
  };
}

function knownSchema({ schema, columns }: ReadRoot): Schema {
  const known = (schema && schemaOf(schema)) ?? { fields: [] };
  const fields = known.fields.map((field) =>
    Object.hasOwn(columns, field.name) ? fieldOfHint(field.name, columns[field.name]!, field) : field,
  );
  const named = new Set(fields.map((field) => field.name));
  const others = Object.entries(columns).filter(([column]) => !named.has(column));
  return { fields: [...fields, ...others.map(([column, hint]) => fieldOfHint(column, hint))] };
}

/** A read that was cut at a position, or that takes rows without a value, can only go on by itself. */
function compareResourceCursors(root: ReadRoot, a: ResourceCursor, b: ResourceCursor): number | undefined {
  if (root.cursor === undefined || root.cursor.nulls === "include") return undefined;
  if (a.position !== undefined || b.position !== undefined) return undefined;
  const [x, y] = [a.since && pointOfCursor(a.since), b.since && pointOfCursor(b.since)];
  if (x === undefined || y === undefined) return Number(x !== undefined) - Number(y !== undefined);
  return comparePoints(x, y);
}

/** Reads once, and again as long as a value that too many rows share turns out to be closed. */
async function* readPasses(
  root: ReadRoot,
  schema: Schema,
  request: OriginRequest,
): AsyncGenerator<OriginItem> {
  const appender = createAppender({ schema, columns: root.columns });
  let cursor = (request.cursor ?? {}) as ResourceCursor;
  for (let next: ResourceCursor | undefined = cursor; next !== undefined;) {
    cursor = next;
    next = yield* readPass(root, appender, { ...request, cursor });
  }
}

async function* readPass(
  root: ReadRoot,
  appender: Appender,
  request: OriginRequest & { readonly cursor: ResourceCursor },
): AsyncGenerator<OriginItem, ResourceCursor | undefined> {
  const { context, cursor, appends, wholeSet } = request;
  const samples = context.window !== undefined || context.limit !== undefined;
  const resumes = !samples && !wholeSet;
  const follows = resumes ? root.cursor : undefined;
  const progress = follows && followRead(root, request);
  let form = cursor.form;
  let loose = 0;
  let positions = cursor.position !== undefined;

  const items = root.read(userContext(root, context, resumes ? cursor : {}));
  const gathered = collect(items, {
    root,
    appender,
    signal: context.signal,
    keepsRows: request.needsRows,
    targetBytes: Math.min(MIB, Math.max(MIB / 16, context.budget / 4)),
    targetRows: Math.max(1, Math.min(MAX_ROWS, context.limit ?? MAX_ROWS)),
  });
  for await (const item of gathered) {
    if ("position" in item) {
      if (!resumes) continue;
      positions = true;
      loose = 0;
      const checkpoint =
        progress === undefined ? { position: item.position } : progress.at(item.position, form);
      if (checkpoint !== undefined) yield { checkpoint };
      continue;
    }
    form = item.form ?? form;
    const portion = portionOfBatch(item.batch, item.rows);
    loose += portion.length;
    const inWindow = cutToWindow(root, context, cursor, portion);
    if (progress === undefined) {
      yield { table: root.name, portion: inWindow, fresh: inWindow };
      continue;
    }
    for (const taken of progress.take(inWindow, appends)) yield { table: root.name, ...taken };
    const checkpoint = progress.between(form);
    if (checkpoint !== undefined) yield { checkpoint };
  }
  if (progress !== undefined) {
    yield { checkpoint: progress.end(form) };
    return progress.again(form);
  }
  if (resumes && positions && loose > 0)
    throw new AlluviumError(
      "ALV_NO_CHECKPOINT",
      `resource ${JSON.stringify(root.name)} yielded ${loose} rows after its last checkpoint and has no cursor column, so the next run would load them again: yield checkpoint(position) after the last rows too`,
      { resource: root.name },
    );
  return undefined;
}

function userContext(root: ReadRoot, context: StreamContext, cursor: ResourceCursor): AnyReadContext {
  const { signal, attempt, window } = context;
  const stored = cursor.since && userValue(cursor.since, cursor.form);
  const since = root.cursor === undefined ? undefined : (window?.since ?? stored ?? root.cursor.initial);
  return {
    signal,
    attempt,
    position: cursor.position,
    since: since as never,
    until: window?.until as never,
  };
}

function cutToWindow(
  root: ReadRoot,
  context: StreamContext,
  cursor: ResourceCursor,
  portion: Portion,
): Portion {
  if (root.cursor === undefined) {
    if (context.window === undefined) return portion;
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${JSON.stringify(root.name)} has no cursor, so since and until say nothing about it`,
      { resource: root.name },
    );
  }
  const { column, initial } = root.cursor;
  const first = initial !== undefined && cursor.since === undefined ? { since: initial } : {};
  const rows = rowsInWindow(portion.batch(), column, context.window ?? first, context.window === undefined);
  return rows === undefined ? portion : takePortion(portion, rows);
}

/** Follows a read by its cursor column. */
interface Progress {
  /** The rows to hand on: all, and those not taken before. */
  take(portion: Portion, appends: boolean): Iterable<{ readonly portion: Portion; readonly fresh: Portion }>;
  /** The cursor at a position that the read offers; `undefined` where it cannot be resumed from. */
  at(position: unknown, form: ValueForm | undefined): ResourceCursor | undefined;
  /** The cursor between two batches, where the order is declared. */
  between(form: ValueForm | undefined): ResourceCursor | undefined;
  end(form: ValueForm | undefined): ResourceCursor;
  /** Where to read again at once, because rows were left that can be taken now. */
  again(form: ValueForm | undefined): ResourceCursor | undefined;
}

function followRead(root: ReadRoot, request: OriginRequest & { readonly cursor: ResourceCursor }): Progress {
  const { column, lag, order, nulls } = root.cursor!;
  const { cursor, appends, context } = request;
  const goal = (request.until as ResourceCursor | undefined)?.since;
  const upTo = goal && rowsUpTo(goal, column);
  const boundary = openBoundary({
    column,
    since: cursor.since,
    ...(cursor.position === undefined ? {} : { reached: cursor.reached }),
    mode: appends ? "append" : "merge",
    counts: lag === undefined,
    order,
    nulls,
    resource: root.name,
  });
  const hold =
    lag === undefined || goal !== undefined
      ? undefined
      : holdBack({ column, lag, resource: root.name, budget: context.budget, holds: appends });
  const floor = cursor.since && pointOfCursor(cursor.since);

  /** A cursor that stays behind the greatest value by the lag, but never goes back. */
  function lagging(): ColumnCursor | undefined {
    const bound = hold?.bound;
    const kept = boundary.cursor()?.nulls;
    const isAhead = bound !== undefined && (floor === undefined || comparePoints(bound, floor) > 0);
    const stand = isAhead ? cursorBefore(bound) : cursor.since;
    return stand && { ...stand, ...(kept === undefined ? {} : { nulls: kept }) };
  }
  const made = (since: ColumnCursor | undefined, form: ValueForm | undefined): ResourceCursor => ({
    ...(since && { since }),
    ...(form && { form }),
  });

  return {
    *take(whole, splits) {
      const near = upTo?.(whole.batch());
      let portion = near === undefined ? whole : takePortion(whole, near);
      const valued = nulls === "exclude" ? rowsWithValue(portion.batch(), column) : undefined;
      if (valued !== undefined) portion = takePortion(portion, valued);
      const rows = boundary.select(portion.batch());
      const fresh = rows === undefined ? portion : takePortion(portion, rows);
      if (hold === undefined) {
        yield { portion: splits ? portion : fresh, fresh };
        return;
      }
      const [first, ...others] = hold.pass(fresh);
      const nothing = portionOfBatch(takeBatch(portion.batch(), new Int32Array(0)), []);
      yield { portion: splits ? portion : fresh, fresh: first ?? nothing };
      for (const other of others) yield { portion: nothing, fresh: other };
    },
    at(position, form) {
      if (order === "ascending" || hold !== undefined || boundary.deferred > 0) return undefined;
      if (cursor.since?.closedBelow !== undefined) return undefined;
      const reached = boundary.cursor();
      return {
        ...made(boundary.floor(), form),
        ...(reached && { reached }),
        position: position as NonNullable<ResourceCursor["position"]>,
      };
    },
    between(form) {
      if (order !== "ascending") return undefined;
      const since = hold === undefined ? boundary.cursor() : lagging();
      return since && made(since, form);
    },
    end(form) {
      if (goal !== undefined && boundary.deferred === 0) return request.until as ResourceCursor;
      return made(hold === undefined ? (boundary.cursor({ end: true }) ?? cursor.since) : lagging(), form);
    },
    again(form) {
      if (!boundary.more) {
        if (boundary.deferred > 0)
          context.emit({
            type: "warning",
            code: undefined,
            table: root.name,
            message: `resource ${JSON.stringify(root.name)}: ${boundary.deferred} rows share the greatest value of ${column} with too many others to be told apart; they are loaded when a greater value has appeared`,
            time: Date.now(),
          });
        return undefined;
      }
      return made(boundary.cursor({ end: true }), form);
    },
  };
}
