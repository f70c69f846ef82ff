import type { ChangeSpelling } from "@alluvium/core/testing";
import type { SourceRow } from "./history.ts";

/** A table of a source: does things to its rows, and says them as changes. Keys are `id` and `part`. */
export interface SourceTable {
  readonly rows: ReadonlyMap<string, SourceRow>;
  insert(row: SourceRow): void;
  /** Changes some columns. `partial`: only these are sent. */
  update(key: string, cells: SourceRow, partial: boolean): void;
  /** Gives a row another key. */
  move(key: string, id: bigint, partial: boolean): void;
  /** Two rows change keys. */
  swap(one: string, other: string, partial: boolean): void;
  remove(key: string): void;
  truncate(): void;
  /** The changes since the last call. */
  take(): readonly ChangeSpelling[];
}

export const keyOf = (row: SourceRow): string => `${String(row["id"])}/${String(row["part"])}`;

export function sourceTable(): SourceTable {
  const rows = new Map<string, SourceRow>();
  let changes: ChangeSpelling[] = [];
  const keyCells = ({ id, part }: SourceRow): SourceRow => ({ id, part });

  function rekey(before: SourceRow, id: bigint, partial: boolean): SourceRow {
    const after = { ...before, id };
    changes.push({
      op: "update",
      row: partial ? keyCells(after) : after,
      old: keyCells(before),
      partial,
    });
    return after;
  }

  return {
    rows,
    insert(row) {
      rows.set(keyOf(row), row);
      changes.push({ op: "insert", row });
    },
    update(key, cells, partial) {
      const before = rows.get(key)!;
      const after = { ...before, ...cells };
      rows.set(key, after);
      changes.push({ op: "update", row: partial ? { ...keyCells(after), ...cells } : after, partial });
    },
    move(key, id, partial) {
      const before = rows.get(key)!;
      rows.delete(key);
      const after = rekey(before, id, partial);
      rows.set(keyOf(after), after);
    },
    swap(one, other, partial) {
      const [left, right] = [rows.get(one)!, rows.get(other)!];
      const [leftAfter, rightAfter] = [
        rekey(left, right["id"] as bigint, partial),
        rekey(right, left["id"] as bigint, partial),
      ];
      rows.delete(one);
      rows.delete(other);
      rows.set(keyOf(leftAfter), leftAfter).set(keyOf(rightAfter), rightAfter);
    },
    remove(key) {
      changes.push({ op: "delete", row: keyCells(rows.get(key)!) });
      rows.delete(key);
    },
    truncate() {
      changes.push({ op: "truncate" });
      rows.clear();
    },
    take() {
      const taken = changes;
      changes = [];
      return taken;
    },
  };
}
