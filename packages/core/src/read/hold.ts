import type { Batch } from "../columns/batch.ts";
import { materialize } from "../columns/dictionary.ts";
import { batchBytes } from "../columns/size.ts";
import { comparePoints, orderOf, type Point } from "../cursor/order.ts";
import { eachRow, keepRows } from "../cursor/rows.ts";
import { pointBelow, type Distance } from "../cursor/shift.ts";
import { AlluviumError } from "../errors.ts";
import { takePortion, type Portion } from "./portion.ts";

/** Holds rows back that are nearer to the greatest value than the lag: they may be joined by rows below them. */
export interface Hold {
  /** Takes rows; gives back those that are far enough behind by now. */
  pass(portion: Portion): readonly Portion[];
  /** Below it everything has been given back. `undefined`: no value was seen. */
  readonly bound: Point | undefined;
}

/** How {@link holdBack} works. */
export interface HoldOptions {
  readonly column: string;
  readonly lag: Distance;
  readonly resource: string;
  /** Bytes that may be held. */
  readonly budget: number;
  /** Whether rows are held at all: a merge takes them at once and reads them again. */
  readonly holds: boolean;
}

/** A hold for one read. */
export function holdBack({ column, lag, resource, budget, holds }: HoldOptions): Hold {
  let held: { readonly portion: Portion; readonly bytes: number }[] = [];
  let bytes = 0;
  let top: Point | undefined;
  let bound: Point | undefined;
  let moved = false;

  function split(portion: Portion): Portion {
    const batch = portion.batch();
    const order = orderIn(batch, column);
    const compare = order.comparerTo(bound!);
    const isBelow = (row: number): boolean => (order.hasNulls && order.isNull(row)) || compare(row) < 0;
    const below = keepRows(undefined, batch.length, isBelow);
    if (below === undefined) return portion;
    const near = keepRows(undefined, batch.length, (row) => !isBelow(row));
    const rest = near === undefined ? portion : takePortion(portion, near);
    const size = batchBytes(rest.batch());
    held.push({ portion: rest, bytes: size });
    bytes += size;
    return takePortion(portion, below);
  }

  return {
    pass(portion) {
      const greatest = greatestOf(portion.batch(), column);
      if (greatest !== undefined && (top === undefined || comparePoints(greatest, top) > 0)) {
        top = greatest;
        bound = pointBelow(top, lag, column);
        moved = true;
      }
      if (!holds || bound === undefined) return [portion];
      const waiting = moved ? held : [];
      if (moved) {
        held = [];
        bytes = 0;
        moved = false;
      }
      const released = [...waiting.map((one) => one.portion), portion].map(split);
      if (bytes > budget)
        throw new AlluviumError(
          "ALV_VALUE_TOO_LARGE",
          `resource ${JSON.stringify(resource)}: the rows that lag holds back take ${bytes} bytes, more than the ${budget} that there are for them. Choose a smaller lag, or raise the pipeline's budget`,
          { resource },
        );
      return released.filter(({ length }) => length > 0);
    },
    get bound() {
      return bound;
    },
  };
}

function orderIn(batch: Batch, column: string): ReturnType<typeof orderOf> {
  const found = batch.columns[batch.schema.fields.findIndex(({ name }) => name === column)];
  return orderOf(found && materialize(found), column);
}

function greatestOf(batch: Batch, column: string): Point | undefined {
  const order = orderIn(batch, column);
  let best = -1;
  eachRow(undefined, batch.length, (row) => {
    if (order.hasNulls && order.isNull(row)) return;
    if (best < 0 || order.compareRows(row, best) > 0) best = row;
  });
  return best < 0 ? undefined : order.pointAt(best);
}
