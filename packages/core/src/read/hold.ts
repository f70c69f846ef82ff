import { batchBytes } from "../columns/size.ts";
import { comparePoints, orderIn, type ColumnOrder, type Point } from "../cursor/order.ts";
import { eachRow, keepRows } from "../cursor/rows.ts";
import { pointBelow, type Distance } from "../cursor/shift.ts";
import { resourceError } from "../errors.ts";
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
  let held: readonly Portion[] = [];
  let bytes = 0;
  let top: Point | undefined;
  let bound: Point | undefined;

  function split(portion: Portion): Portion {
    const batch = portion.batch();
    const order = orderIn(batch, column);
    const compare = order.comparerTo(bound!);
    const near: number[] = [];
    const below = keepRows(undefined, batch.length, (row) => {
      const isBelow = order.isNull(row) || compare(row) < 0;
      if (!isBelow) near.push(row);
      return isBelow;
    });
    if (below === undefined) return portion;
    const rest = takePortion(portion, Int32Array.from(near));
    bytes += batchBytes(rest.batch());
    held = [...held, rest];
    return takePortion(portion, below);
  }

  return {
    pass(portion) {
      const batch = portion.batch();
      const greatest = greatestOf(orderIn(batch, column), batch.length);
      let waiting: readonly Portion[] = [];
      if (greatest !== undefined && (top === undefined || comparePoints(greatest, top) > 0)) {
        top = greatest;
        bound = pointBelow(top, lag, column);
        waiting = held;
        held = [];
        bytes = 0;
      }
      if (!holds || bound === undefined) return [portion];
      const released = [...waiting, portion].map(split);
      if (bytes > budget)
        throw resourceError(
          "ALV_VALUE_TOO_LARGE",
          resource,
          `the rows that lag holds back take ${bytes} bytes, more than the ${budget} that there are for them. Choose a smaller lag, or raise the pipeline's budget`,
        );
      return released.filter(({ length }) => length > 0);
    },
    get bound() {
      return bound;
    },
  };
}

function greatestOf(order: ColumnOrder, length: number): Point | undefined {
  let best = -1;
  eachRow(undefined, length, (row) => {
    if (!order.isNull(row) && (best < 0 || order.compareRows(row, best) > 0)) best = row;
  });
  return best < 0 ? undefined : order.pointAt(best);
}
