import type { Batch } from "../columns/batch.ts";
import { takeBatch } from "../columns/take.ts";
import { resourceError, type AlluviumError } from "../errors.ts";
import {
  boundaryLimit,
  closedPoint,
  cursorBefore,
  pointOfCursor,
  type ColumnCursor,
} from "./column-cursor.ts";
import { hashCollector, takenRows } from "./multiset.ts";
import { comparePoints, orderIn, type ColumnOrder, type Point } from "./order.ts";
import { eachRow, keepRows, type Rows } from "./rows.ts";

/** How {@link openBoundary} reads. */
export interface BoundaryOptions {
  /** The cursor column, as the source names it. */
  readonly column: string;
  /** Where the last committed read stopped. */
  readonly since?: ColumnCursor | undefined;
  /** How far this read has come already, when it goes on from a checkpoint in its midst. @default `since` */
  readonly reached?: ColumnCursor | undefined;
  /** `append` leaves out the rows that were taken before; `merge` never does: taking a row again changes nothing. */
  readonly mode: "append" | "merge";
  /** `ascending`: values never step back, or it is `ALV_CURSOR_ORDER`. @default unordered */
  readonly order?: "ascending" | undefined;
  /** Rows without a value: taken (by an append once each), left out, or `ALV_ROW_INVALID`. @default "error" */
  readonly nulls?: "include" | "exclude" | "error" | undefined;
  /** `false`: rows at the greatest value are not counted, because the caller keeps behind it by a lag. @default true */
  readonly counts?: boolean | undefined;
  /** Columns that tell rows apart. Rows are then known by them alone, whatever other columns come, go or change. @default all columns */
  readonly key?: readonly string[] | undefined;
  /** Names the resource in errors. */
  readonly resource?: string | undefined;
  /** Most rows at the greatest value to keep count of. @default 100 000 */
  readonly limit?: number | undefined;
}

/** Follows one read of a table by a cursor column, batch by batch. */
export interface Boundary {
  /** The rows of a batch to take, ascending; `undefined`: all of them. */
  select(batch: Batch): Int32Array | undefined;
  /** {@link select}, as a batch. It may be empty. */
  take(batch: Batch): Batch;
  /**
   * What to store once all rows taken so far are written: midway, or with `end` after the last row. `undefined`: no row was taken yet, or (only
   * midway) more rows share the greatest value than can be counted, so that reading cannot go on from here.
   */
  cursor(options?: { readonly end?: boolean }): ColumnCursor | undefined;
  /** `since` without the rows that this read has met again: for a checkpoint from which the same read goes on. */
  floor(): ColumnCursor | undefined;
  /** Rows left for a later read because too many share one value. */
  readonly deferred: number;
  /** Whether a further read from {@link cursor} takes some of the deferred rows; if not, they wait until a greater value comes. */
  readonly more: boolean;
}

/**
 * The boundary of one read: which rows an append has taken already, how far the read has come, and the cursor at each checkpoint.
 *
 * Reading from a cursor is inclusive, so an append meets the rows at the cursor's value again. Those it took are known by their
 * hashes and left out, once each; new rows at that value are taken, rows below it are not. Where more than 100 000 rows share the
 * greatest value, the rest of them and everything above is deferred: the cursor stays at that value, and as soon as a greater one
 * has been seen the next read takes the value as closed, to its end.
 *
 * @example
 * ```ts
 * const boundary = openBoundary({ column: "updated_at", since, mode: "append" });
 * for await (const batch of readFrom(since?.value)) yield { table, batch: boundary.take(batch) };
 * const checkpoint = boundary.cursor({ end: true });
 * ```
 */
export function openBoundary(options: BoundaryOptions): Boundary {
  const { column, since, order: declared, resource } = options;
  const { nulls: nullPolicy = "error", limit = boundaryLimit, reached = since, counts = true } = options;
  const append = options.mode === "append";
  const floor = since && pointOfCursor(since);
  const closed = since && closedPoint(since);
  const taken = takenRows(since?.boundary ?? []);
  const takenNulls = takenRows(since?.nulls ?? []);
  const atTop = hashCollector(append ? (reached?.boundary ?? []) : [], options.key);
  const withoutValue = hashCollector(append ? (reached?.nulls ?? []) : [], options.key);

  let top = reached && pointOfCursor(reached);
  let topIsCounted = true;
  let last: Point | undefined;
  let deferFrom: Point | undefined;
  let seen: Point | undefined;
  let deferred = 0;
  let rowsBefore = 0;

  function refused(code: "ALV_CURSOR_ORDER" | "ALV_ROW_INVALID", row: number, why: string): AlluviumError {
    const place = `row ${rowsBefore + row + 1}: the cursor column ${JSON.stringify(column)}`;
    return resourceError(code, resource, `${place} ${why}`);
  }

  function checkOrder(order: ColumnOrder, rows: Rows, length: number): void {
    const behind = last && order.comparerTo(last);
    let previous = -1;
    eachRow(rows, length, (row) => {
      const step = previous < 0 ? behind?.(row) : order.compareRows(row, previous);
      if (step !== undefined && step < 0) {
        const before = previous < 0 ? last! : order.pointAt(previous);
        throw refused(
          "ALV_CURSOR_ORDER",
          row,
          `steps back from ${before.text} to ${order.pointAt(row).text}, although it declares order: "ascending". Sort the rows by it, or take the declaration away`,
        );
      }
      previous = row;
    });
    if (previous >= 0) last = order.pointAt(previous);
  }

  function takeNulls(batch: Batch, empty: Int32Array): Int32Array {
    if (empty.length === 0 || nullPolicy === "exclude") return empty.subarray(0, 0);
    const refuse = (why: string): AlluviumError => refused("ALV_ROW_INVALID", empty[0]!, `is null${why}`);
    if (nullPolicy === "error")
      throw refuse(
        '. Set nulls: "include" among the cursor\'s options to load such rows, or "exclude" to leave them out',
      );
    if (!append) return empty;
    const fresh = takenNulls.fresh(batch, empty);
    withoutValue.add(batch, fresh);
    if (withoutValue.size > limit)
      throw refuse(
        `, and so it is in more than ${limit} rows: too many to know which of them were loaded. Set nulls: "exclude", or merge by a primary key`,
      );
    return fresh;
  }

  /** The rows above the floor, and those at it that were not taken before. */
  function aboveFloor(batch: Batch, order: ColumnOrder, rows: Rows): Rows {
    if (!append || floor === undefined) return rows;
    const compare = order.comparerTo(floor);
    const met: number[] = [];
    const above = keepRows(rows, batch.length, (row) => {
      const difference = compare(row);
      if (difference === 0) met.push(row);
      return difference >= 0;
    });
    if (met.length === 0) return above;
    const fresh = new Set(taken.fresh(batch, Int32Array.from(met)));
    return keepRows(above, batch.length, (row) => fresh.has(row) || compare(row) > 0);
  }

  /** Keeps count of the rows at the greatest value, and leaves out what is deferred. */
  function follow(batch: Batch, order: ColumnOrder, rows: Rows): Rows {
    const list = deferFrom === undefined ? rows : defer(batch, order, rows, deferFrom, 0);
    let best = -1;
    eachRow(list, batch.length, (row) => {
      if (best < 0 || order.compareRows(row, best) > 0) best = row;
    });
    if (best < 0) return list;
    const point = order.pointAt(best);
    const step = top === undefined ? 1 : comparePoints(point, top);
    if (step < 0) return list;
    if (step > 0) {
      top = point;
      atTop.clear();
      topIsCounted = true;
    }
    if (!append || !counts || !topIsCounted) return list;
    const compare = order.comparerTo(point);
    const equal: number[] = [];
    eachRow(list, batch.length, (row) => {
      if (compare(row) === 0) equal.push(row);
    });
    const room = limit - atTop.size;
    atTop.add(batch, Int32Array.from(equal.slice(0, room)));
    if (equal.length <= room) return list;
    if (closed !== undefined && comparePoints(point, closed) < 0) {
      topIsCounted = false;
      return list;
    }
    deferFrom = point;
    return defer(batch, order, list, point, room);
  }

  /** Leaves out the rows from `point` on, but for the first `room` at it: those are counted. */
  function defer(batch: Batch, order: ColumnOrder, rows: Rows, point: Point, room: number): Rows {
    const compare = order.comparerTo(point);
    let left = room;
    return keepRows(rows, batch.length, (row) => {
      const difference = compare(row);
      if (difference < 0 || (difference === 0 && left-- > 0)) return true;
      deferred += 1;
      if (difference > 0 && (seen === undefined || order.comparerTo(seen)(row) > 0))
        seen = order.pointAt(row);
      return false;
    });
  }

  function select(batch: Batch): Rows {
    const { length } = batch;
    const order = orderIn(batch, column);
    let rows: Rows;
    let nulls: Int32Array | undefined;
    if (order.hasNulls) {
      const all = Int32Array.from({ length }, (_, row) => row);
      rows = all.filter((row) => !order.isNull(row));
      nulls = takeNulls(
        batch,
        all.filter((row) => order.isNull(row)),
      );
    }
    if (declared === "ascending") checkOrder(order, rows, length);
    rows = follow(batch, order, aboveFloor(batch, order, rows));
    rowsBefore += length;
    if (rows === undefined || nulls === undefined || nulls.length === 0) return rows;
    return Int32Array.from([...rows, ...nulls]).sort();
  }

  return {
    select,
    take(batch) {
      const rows = select(batch);
      return rows === undefined ? batch : takeBatch(batch, rows);
    },
    cursor({ end = false } = {}) {
      const stored = withoutValue.stored();
      const nulls = stored.length > 0 ? stored : undefined;
      if (end && closed !== undefined && (top === undefined || comparePoints(top, closed) < 0))
        return { ...cursorBefore(closed), nulls };
      if (top === undefined) return nulls && { kind: "null", value: "", boundary: [], nulls };
      if (!topIsCounted) return undefined;
      const bound = seen ?? closed;
      return {
        ...cursorBefore(top),
        boundary: append ? atTop.stored() : [],
        nulls,
        closedBelow: bound !== undefined && comparePoints(bound, top) > 0 ? bound.text : undefined,
      };
    },
    floor: () =>
      since && {
        ...since,
        boundary: taken.left(),
        nulls: since.nulls === undefined ? undefined : takenNulls.left(),
      },
    get deferred() {
      return deferred;
    },
    get more() {
      return deferred > 0 && seen !== undefined;
    },
  };
}
