import { describeRoot } from "../check-resources.ts";
import { createAppender, type Appender } from "../columns/append.ts";
import { createPartialAppender } from "../columns/append-partial.ts";
import { openBoundary } from "../cursor/boundary.ts";
import { cursorBefore, pointOfCursor, type ColumnCursor } from "../cursor/column-cursor.ts";
import { comparePoints, orderIn } from "../cursor/order.ts";
import { keepRows } from "../cursor/rows.ts";
import { resourceError } from "../errors.ts";
import type { AnyReadContext, ReadRoot } from "../resource-definition.ts";
import { schemaOf } from "../schema/standard.ts";
import type { Schema } from "../schema/types.ts";
import type { StreamContext } from "../stream.ts";
import { rowsUpTo } from "./catch-up.ts";
import { collect } from "./collect.ts";
import { holdBack } from "./hold.ts";
import type { Origin, OriginItem, OriginRequest } from "./origin.ts";
import { portionOfBatch, takePortion, type Portion } from "./portion.ts";
import { retakeRows } from "./retake.ts";
import { refusedRows } from "./refused-portion.ts";
import { resourceCursorCodec, userValue, type ResourceCursor, type ValueForm } from "./resource-cursor.ts";
import { rowsInWindow } from "./window.ts";

const MIB = 1024 * 1024;
const MAX_ROWS = 32_768;

/** The origin of resources that a user's function reads; `leavesOut`: values that are refused are left out of their rows where that can be. */
export function readOrigin(root: ReadRoot, leavesOut: boolean): Origin {
  const { name, cursor } = root;
  const table = describeRoot(root, (root.schema && schemaOf(root.schema))?.fields);
  return {
    name,
    codec: resourceCursorCodec,
    identity: cursor && { cursor: cursor.column },
    tables: new Map([[name, table]]),
    read: (request) => readPasses(root, table.schema, { ...request, leavesOut }),
    retake: (_, rows) => retakeRows(root, table.schema, rows, leavesOut),
    compare: (a, b) => compareResourceCursors(root, a as ResourceCursor, b as ResourceCursor),
  };
}

/** A read that was cut at a position, or that takes rows without a value, can only go on by itself. */
function compareResourceCursors(root: ReadRoot, a: ResourceCursor, b: ResourceCursor): number | undefined {
  if (root.cursor === undefined || root.cursor.nulls === "include") return undefined;
  if (a.position !== undefined || b.position !== undefined) return undefined;
  const [x, y] = [a.since && pointOfCursor(a.since), b.since && pointOfCursor(b.since)];
  if (x === undefined || y === undefined) return Number(x !== undefined) - Number(y !== undefined);
  return comparePoints(x, y);
}

/** One read of a user's function. */
interface ReadRequest extends OriginRequest {
  readonly leavesOut: boolean;
}

/** Reads once, and again as long as a value that too many rows share turns out to be closed. */
async function* readPasses(root: ReadRoot, schema: Schema, request: ReadRequest): AsyncGenerator<OriginItem> {
  const { columns, partial, inference } = root;
  const appender = (partial ? createPartialAppender : createAppender)({ schema, columns, ...inference });
  let cursor: ResourceCursor | undefined = (request.cursor ?? {}) as ResourceCursor;
  while (cursor !== undefined) cursor = yield* readPass(root, schema, appender, { ...request, cursor });
}

async function* readPass(
  root: ReadRoot,
  schema: Schema,
  appender: Appender,
  request: ReadRequest & { readonly cursor: ResourceCursor },
): AsyncGenerator<OriginItem, ResourceCursor | undefined> {
  const { name } = root;
  const { context, cursor, appends, wholeSet, needsRows } = request;
  const { signal, attempt, window, limit, budget } = context;
  const resumes = !wholeSet && window === undefined && limit === undefined;
  const progress = resumes && root.cursor !== undefined ? followRead(root, request) : undefined;
  const { since, position }: ResourceCursor = resumes ? cursor : {};
  let { form } = cursor;
  let loose = 0;
  let positions = cursor.position !== undefined;

  const follower = root.cursor && refusedRows(root, schema);
  /** What is held back comes later, with rows of any kind. */
  function* itemsOf(rows: { readonly portion: Portion; readonly fresh: Portion }): Generator<OriginItem> {
    const { portion, fresh } = rows;
    const none = new Int32Array(0);
    const isRefused = (some: Portion): boolean => follower?.has(some) === true;
    if (isRefused(fresh)) {
      if (fresh.length > 0) yield { table: name, refused: follower!.take(fresh) };
      if (!isRefused(portion)) yield { table: name, portion, fresh: takePortion(portion, none) };
    } else yield { table: name, portion: isRefused(portion) ? takePortion(fresh, none) : portion, fresh };
  }

  const first = window?.since ?? (since && userValue(since, form)) ?? root.cursor?.initial;
  const given = {
    signal,
    attempt,
    position,
    since: root.cursor && first,
    until: window?.until,
  } as AnyReadContext;
  const gathered = collect(root.read(given), {
    root,
    appender,
    signal,
    keepsRows: needsRows,
    leavesOut: request.leavesOut,
    targetBytes: Math.min(MIB, Math.max(MIB / 16, budget / 4)),
    targetRows: Math.max(1, Math.min(MAX_ROWS, limit ?? MAX_ROWS)),
  });
  for await (const item of gathered) {
    let checkpoint: ResourceCursor | undefined;
    if ("position" in item) {
      if (!resumes) continue;
      positions = true;
      loose = 0;
      checkpoint = progress === undefined ? { position: item.position } : progress.at(item.position, form);
    } else if ("refused" in item) {
      loose += item.refused.length;
      const { values } = item;
      if (follower === undefined || item.refused.length === 0) {
        yield { table: name, refused: item.refused, values };
        continue;
      }
      if (values > 0) yield { table: name, refused: [], values };
      const { portion, loose: without } = follower.follow(item.refused, item.given);
      if (without.length > 0) yield { table: name, refused: without };
      const inWindow = cutToWindow(root, context, cursor, portion);
      const taken = progress?.take(inWindow, appends) ?? [{ portion: inWindow, fresh: inWindow }];
      for (const rows of taken) yield* itemsOf(rows);
      checkpoint = progress?.between(form);
    } else {
      form = item.form ?? form;
      loose += item.batch.length;
      const { changes, length } = item.batch;
      const batch =
        changes === undefined
          ? item.batch
          : { ...item.batch, changes: { ...changes, ordinals: request.positions(length) } };
      const whole = portionOfBatch(batch, item.rows);
      const portion = cutToWindow(root, context, cursor, whole);
      const taken = progress?.take(portion, appends) ?? [{ portion, fresh: portion }];
      const { release } = item;
      for (const rows of taken) {
        // Of a batch that is cut, parts are made, or come, later.
        const isWhole = rows.portion === whole && rows.fresh === whole;
        for (const one of itemsOf(rows)) yield isWhole && "portion" in one ? { ...one, release } : one;
      }
      checkpoint = progress?.between(form);
    }
    if (checkpoint !== undefined) yield { checkpoint };
  }
  if (progress !== undefined) {
    yield { checkpoint: progress.end(form) };
    return progress.again(form);
  }
  if (resumes && positions && loose > 0)
    throw resourceError(
      "ALV_NO_CHECKPOINT",
      name,
      `it yielded ${loose} rows after its last checkpoint and has no cursor column, so the next run would load them again: yield checkpoint(position) after the last rows too`,
    );
  return undefined;
}

function cutToWindow(
  { name, cursor: definition }: ReadRoot,
  { window }: StreamContext,
  cursor: ResourceCursor,
  portion: Portion,
): Portion {
  if (definition === undefined) {
    if (window === undefined) return portion;
    throw resourceError("ALV_CONFIG", name, "it has no cursor, so since and until say nothing about it");
  }
  const { column, initial } = definition;
  const bounds = window ?? { since: cursor.since === undefined ? initial : undefined };
  if (bounds.since === undefined && bounds.until === undefined) return portion;
  return takeRows(portion, rowsInWindow(portion.batch(), column, bounds, window === undefined));
}

function takeRows(portion: Portion, rows: Int32Array | undefined): Portion {
  return rows === undefined ? portion : takePortion(portion, rows);
}

/** Follows a read by its cursor column. */
interface Progress {
  /** The rows to hand on: all, and those not taken before. */
  take(portion: Portion, appends: boolean): readonly { readonly portion: Portion; readonly fresh: Portion }[];
  /** The cursor at a position that the read offers; `undefined` where it cannot be resumed from. */
  at(position: ResourceCursor["position"], form: ValueForm | undefined): ResourceCursor | undefined;
  /** The cursor between two batches, where the order is declared. */
  between(form: ValueForm | undefined): ResourceCursor | undefined;
  end(form: ValueForm | undefined): ResourceCursor;
  /** Where to read again at once, because rows were left that can be taken now. */
  again(form: ValueForm | undefined): ResourceCursor | undefined;
}

function followRead(root: ReadRoot, request: OriginRequest & { readonly cursor: ResourceCursor }): Progress {
  const { name: resource } = root;
  const { column, lag, order, nulls } = root.cursor!;
  const { cursor, appends, context } = request;
  const { since } = cursor;
  const until = request.until as ResourceCursor | undefined;
  const goal = until?.since;
  const upTo = goal && rowsUpTo(goal, column);
  const boundary = openBoundary({
    column,
    since,
    reached: cursor.position === undefined ? undefined : cursor.reached,
    mode: appends ? "append" : "merge",
    counts: lag === undefined,
    order,
    nulls,
    key: root.primaryKey,
    resource,
  });
  const hold =
    lag === undefined || goal !== undefined
      ? undefined
      : holdBack({ column, lag, resource, budget: context.budget, holds: appends });
  const floor = since && pointOfCursor(since);

  /** A cursor that stays behind the greatest value by the lag, but never goes back. */
  function lagging(): ColumnCursor | undefined {
    const bound = hold?.bound;
    const isAhead = bound !== undefined && (floor === undefined || comparePoints(bound, floor) > 0);
    const stand = isAhead ? cursorBefore(bound) : since;
    return stand && { ...stand, nulls: boundary.cursor()?.nulls ?? stand.nulls };
  }

  return {
    take(whole, splits) {
      let portion = takeRows(whole, upTo?.(whole.batch()));
      if (nulls === "exclude") {
        const { isNull } = orderIn(portion.batch(), column);
        portion = takeRows(
          portion,
          keepRows(undefined, portion.length, (row) => !isNull(row)),
        );
      }
      const fresh = takeRows(portion, boundary.select(portion.batch()));
      const all = splits ? portion : fresh;
      if (hold === undefined) return [{ portion: all, fresh }];
      // Whoever does not append takes the rows at once, with the first of what the hold gives back.
      const nothing = takePortion(portion, new Int32Array(0));
      const [first = nothing, ...others] = hold.pass(fresh);
      return [{ portion: all, fresh: first }, ...others.map((other) => ({ portion: nothing, fresh: other }))];
    },
    at(position, form) {
      const isBlocked = hold !== undefined || boundary.deferred > 0 || since?.closedBelow !== undefined;
      if (order === "ascending" || isBlocked) return undefined;
      return { since: boundary.floor(), reached: boundary.cursor(), position, form };
    },
    between(form) {
      if (order !== "ascending") return undefined;
      const reached = hold === undefined ? boundary.cursor() : lagging();
      return reached && { since: reached, form };
    },
    end(form) {
      if (until !== undefined && goal !== undefined && boundary.deferred === 0) return until;
      return { since: hold === undefined ? (boundary.cursor({ end: true }) ?? since) : lagging(), form };
    },
    again(form) {
      if (boundary.more) return { since: boundary.cursor({ end: true }), form };
      if (boundary.deferred > 0)
        context.emit({
          type: "warning",
          code: undefined,
          table: resource,
          message: `resource ${JSON.stringify(resource)}: ${boundary.deferred} rows share the greatest value of ${column} with too many others to be told apart; they are loaded when a greater value has appeared`,
          time: Date.now(),
        });
      return undefined;
    },
  };
}
