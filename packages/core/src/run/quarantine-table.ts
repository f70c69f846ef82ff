import { hash } from "node:crypto";
import type { Batch } from "../columns/batch.ts";
import { vectorOf } from "../columns/values.ts";
import type { Capabilities } from "../destination.ts";
import type { Disposition } from "../disposition.ts";
import type { RefusedRow } from "../refused-row.ts";
import { conformBatch } from "../schema/conform.ts";
import type { Field, Schema } from "../schema/types.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { Refresh } from "./definition.ts";
import { loadIdField } from "./spelling.ts";
import { storedTypeOf } from "./stored-type.ts";
import type { TableRun } from "./table-run.ts";

/** A table of refused rows in the course of one run. It comes into being with the first of them. */
export interface QuarantineTable extends TableRun {
  /** The table whose rows it holds. */
  readonly quarantineOf: string;
  /** Whether what it holds from earlier runs goes with this one. */
  isEmptied(): boolean;
  /** Rows of the log. `first` is the number of the first of them among all that the run quarantines of the table. */
  rowsOf(entries: readonly QuarantineEntry[], loadId: string, first: number): Batch;
}

/** A row of the log: what happened, and to which row. */
export type QuarantineEntry =
  /** `id`: of a row that is refused once more; others get one. */
  | (RefusedRow & { readonly event: "refused"; readonly id?: string })
  /** `id` is that of the refused row, which is no longer outstanding. */
  | { readonly event: "replayed" | "dropped"; readonly id: string };

const text = { kind: "string" } as const;

/**
 * The columns of a quarantine. `id` is that of the refused row, in each of its entries. What is JSON is stored as text, so that it is the same at every
 * destination (types for JSON sort members, round numbers and refuse some texts).
 */
export const quarantineFields: readonly Field[] = [
  { name: "id", type: text, nullable: false },
  { name: "event", type: text, nullable: false },
  { name: "operation", type: text, nullable: true },
  { name: "stage", type: text, nullable: true },
  { name: "reason", type: text, nullable: true },
  { name: "rule", type: text, nullable: true },
  { name: "column_name", type: text, nullable: true },
  { name: "message", type: text, nullable: true },
  { name: "row", type: text, nullable: true },
  { name: "types", type: text, nullable: true },
  { name: "key", type: text, nullable: true },
  { name: "position", type: text, nullable: true },
  { name: "recorded_at", type: { kind: "timestamp", zone: "utc" }, nullable: false },
  loadIdField,
];

const ending = "__quarantine";

/** What the quarantine of a table is called: `orders__quarantine`; of one whose name is too long its beginning and a part of its hash. */
function quarantineName(
  table: string,
  { maxIdentifierLength: most = Infinity }: Pick<Capabilities, "maxIdentifierLength">,
): string {
  if (Buffer.byteLength(table) + ending.length <= most) return table + ending;
  const end = `_${hash("sha256", table).slice(0, 8)}${ending}`;
  let head = "";
  for (const letter of table) {
    if (Buffer.byteLength(head + letter) + end.length > most) break;
    head += letter;
  }
  return head + end;
}

/** What {@link openQuarantine} needs. */
export interface QuarantineOptions {
  readonly stream: string;
  /** The table whose rows it holds. */
  readonly table: string;
  /** That table's disposition. */
  readonly disposition: Disposition;
  readonly capabilities: Capabilities;
  readonly refresh: Refresh | undefined;
}

/** The quarantine of a table before its first row. Of a table that is replaced it is replaced too. */
export function openQuarantine(options: QuarantineOptions): QuarantineTable {
  const { stream, table: owner, capabilities } = options;
  const table = quarantineName(owner, capabilities);
  const { disposition: given } = options;
  const isReplaced = given.kind === "replace" && given.where === undefined;
  const disposition: Disposition = isReplaced ? { kind: "replace", allowEmpty: true } : { kind: "append" };
  const schema: Schema = {
    fields: quarantineFields.map((field) => ({
      ...field,
      type: storedTypeOf(field.type, capabilities.storedType),
    })),
  };
  let refresh = options.refresh;
  let rows = 0;
  return {
    resource: table,
    table,
    quarantineOf: owner,
    quarantine: undefined,
    primaryKey: [],
    cursorColumn: undefined,
    withheld: { columns: [], policy: "evolve" },
    leavesOutInvalid: false,
    limits: {},
    isEmptied: () => isReplaced || refresh === "data" || refresh === "tables",
    disposition: disposition.kind,
    get rows() {
      return rows;
    },
    set rows(count) {
      rows = count;
    },
    plan: () => ({
      table,
      stream,
      disposition,
      primaryKey: [],
      partitionBy: [],
      schema,
      ...((refresh === "data" || refresh === "tables") && { restart: refresh }),
    }),
    nested: undefined,
    checks: undefined,
    merge: undefined,
    spell: (column) => column,
    restrict: (batch) => ({ batch, offences: [], discarded: 0 }),
    conform: (batch) => batch,
    changes: () => [],
    refuse: (refused) => ({ refused, discarded: 0 }),
    rowsOf(entries, loadId, first) {
      const now = new Date();
      const rows = entries.map((entry, i): Readonly<Record<string, unknown>> => ({
        ...(entry.event === "refused"
          ? { ...cellsOf(entry), id: entry.id ?? `${loadId}-${first + i}` }
          : { id: entry.id }),
        event: entry.event,
        recorded_at: now,
        [loadIdField.name]: loadId,
      }));
      const columns = quarantineFields.map(({ name, type }) => {
        return vectorOf(
          type,
          rows.map((row) => row[name]),
        );
      });
      return conformBatch({ schema: { fields: quarantineFields }, columns, length: rows.length }, schema);
    },
    isCommitted: () => false,
    missing: () => [],
    finish() {},
    commit() {
      refresh = undefined;
    },
    restart() {
      rows = 0;
    },
    state: () => ({
      stream,
      resource: table,
      schema,
      columns: {},
      primaryKey: [],
      disposition: disposition.kind,
      quarantineOf: owner,
      ...(isReplaced && { rows }),
    }),
  };
}

function cellsOf(row: RefusedRow): object {
  const { stage, reason, rule, column, message, types, key, position, operation } = row;
  const asText = (value: RefusedRow["key"]): string | undefined =>
    value === undefined ? undefined : canonicalJson(value);
  return {
    operation,
    stage,
    reason,
    rule,
    column_name: column,
    message,
    row: row.row,
    types: asText(types),
    key: asText(key),
    position: asText(position),
  };
}
