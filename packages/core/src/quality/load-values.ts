import { resourceError } from "../errors.ts";
import type { Check } from "./check.ts";
import { keyValues, wholeRows } from "./key-values.ts";
import { checkedColumn, found, type CheckedTable, type RowCheck } from "./row-checks.ts";

/** The values of a `unique` check within a load, cut where the rows of its stream are cut. */
export interface LoadValues {
  readonly check: RowCheck;
  /** `close`: what comes now belongs to the next load. */
  seal(close: boolean): void;
  rollback(generation: boolean): void;
  commit(): void;
}

/** A `unique` check of what a load holds; `most` are the bytes that it may keep. */
export function loadValues(table: CheckedTable, check: Check, most: number): LoadValues {
  let sealed = keyValues();
  let loose = keyValues();
  let isClosed = false;

  function absorb(): void {
    for (const values of loose.values()) if (values[0]!.length > 0) sealed.add(values);
    loose = keyValues();
  }

  function refuseTooMany(): void {
    if (sealed.bytes() + loose.bytes() <= most) return;
    throw resourceError(
      "ALV_CONFIG",
      table.resource,
      `check ${check.name} compares the rows of a load with one another, and there are more than fit into the ${most} bytes that it may keep: raise the pipeline's budget, lower commitBytes, or check the table after the commit with { when: "after" }`,
      { step: "write" },
    );
  }

  return {
    check(batch, isCounted) {
      const columns = check.columns.map((name) => checkedColumn(table, name, batch));
      let looked = 0;
      for (let row = 0; row < batch.length; row++) if (isCounted(row)) looked += 1;
      if (columns.some((column) => column === undefined)) return found(table, check, batch, [], looked);
      const { rows, values } = wholeRows(columns as never, batch.length, isCounted);
      if (rows.length === 0) return found(table, check, batch, [], looked);
      const twice: number[] = [];
      const known = isClosed ? undefined : sealed.has(values);
      const added = loose.add(values);
      rows.forEach((row, i) => {
        if (known?.[i] === 1 || added[i] === 1) twice.push(row);
      });
      refuseTooMany();
      return found(table, check, batch, twice, looked);
    },
    seal(close) {
      absorb();
      isClosed = close;
    },
    rollback(generation) {
      loose = keyValues();
      if (!generation) return;
      sealed = keyValues();
      isClosed = false;
    },
    commit() {
      sealed = keyValues();
      isClosed = false;
    },
  };
}
