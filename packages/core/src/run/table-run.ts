import { ChangeOp, columnOf, type Batch } from "../columns/batch.ts";
import { takeBatch } from "../columns/take.ts";
import { constantVector } from "../columns/dictionary.ts";
import { isValid } from "../columns/vector.ts";
import { contractOf, type Contract, type ContractPolicy } from "../contract.ts";
import type { Capabilities, TablePlan } from "../destination.ts";
import { abilityOf, windowOf, type Disposition, type MergeOptions } from "../disposition.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import type { Schema } from "../schema/types.ts";
import type { QuarantineLimits } from "../quarantine-limits.ts";
import type { AgreedTable } from "../state/schema-document.ts";
import type { TableState } from "../state/state.ts";
import type { TableDescription } from "../stream.ts";
import { isNative } from "../nesting/choice.ts";
import { parseName } from "../nesting/path.ts";
import type { RefusedRow } from "../refused-row.ts";
import type { TableChecks } from "../quality/table-checks.ts";
import type { Refresh } from "./definition.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { mergeRoles, validityNames } from "./merge-columns.ts";
import type { NestedTables } from "./nested-tables.ts";
import { nestingState } from "./nesting-change.ts";
import { isNested } from "../schema/members.ts";
import { settledColumns } from "./first-types.ts";
import { isByRow, restrictBatch, type Offence, type Restricted } from "./restrict.ts";
import { openQuarantine, type QuarantineTable } from "./quarantine-table.ts";
import { loadIdField, type Spelling } from "./spelling.ts";
import { openColumns } from "./table-columns.ts";

/** A table in the course of one run: takes its stream's batches to the columns that the destination holds. */
export interface TableRun {
  readonly resource: string;
  /** Name at the destination. */
  readonly table: string;
  /** Its key columns, as the source names them. */
  readonly primaryKey: readonly string[];
  /** The column that its stream follows, as the source names it. */
  readonly cursorColumn: string | undefined;
  /** For people: `append`, `replace`, `upsert` …, with `where` where only a part is replaced. */
  readonly disposition: string;
  /** Rows written since the stream began its present generation. */
  rows: number;
  /** What becomes of nested values; `undefined`: they stay as they are. */
  nested: NestedTables | undefined;
  /** What must hold for its rows and for itself. */
  checks: TableChecks | undefined;
  /** In the destination's names. */
  readonly merge: MergeOptions | undefined;
  /** The destination's name of a column. */
  readonly spell: (column: string) => string;
  /** Where its refused rows go; `undefined`: a quarantine itself, or a child table, of which whole rows of the root are refused. */
  readonly quarantine: QuarantineTable | undefined;
  /** Columns that its source describes and its contract does not let in. */
  readonly withheld: { readonly columns: readonly string[]; readonly policy: ContractPolicy };
  /** Whether the contract leaves out rows that their schema refuses. */
  readonly leavesOutInvalid: boolean;
  /** How many of its rows may be refused in a run. */
  readonly limits: QuarantineLimits;
  /** Of a quarantine: the table whose rows it holds. */
  readonly quarantineOf?: string | undefined;
  /** The table's part of a load's plan, with the columns known by now. */
  plan(): TablePlan;
  /**
   * What the contract leaves of a batch where it decides row by row, in the source's names. The rows that offend are still there: whoever drops
   * them calls again.
   */
  restrict(batch: Batch): Restricted;
  /** A batch in the destination's names and types, with the load's id; grows the schema where the batch brings more. */
  conform(batch: Batch, loadId: string): Batch;
  /** What becomes of rows that were refused when they were read: they go into the quarantine, or are left out, or this throws. */
  refuse(refused: readonly RefusedRow[]): {
    readonly refused: readonly RefusedRow[];
    readonly discarded: number;
  };
  /** Whether it is there. */
  isCommitted(): boolean;
  /** The columns that the source used to have. */
  missing(): readonly SchemaChange[];
  /** The stream has no more rows: what can be said only now is checked. */
  finish(): void;
  /** What differs from the last commit: for the load that commits it. */
  changes(): readonly SchemaChange[];
  /** What was written is committed: the columns are fixed. */
  commit(): void;
  /** Everything that is not committed was dropped. */
  restart(): void;
  /** What the pipeline's state remembers of the table. */
  state(): TableState;
}

/** What a table starts with. */
export interface TableRunOptions {
  readonly stream: string;
  readonly description: TableDescription;
  readonly spelling: Spelling;
  /** In the destination's names, like `merge`. */
  readonly disposition: Disposition;
  readonly merge: MergeOptions | undefined;
  readonly capabilities: Capabilities;
  readonly loadIdColumn: boolean;
  /** The table as it stands at the destination. */
  readonly standing: Schema | undefined;
  /** What the state remembers of it. */
  readonly known: TableState | undefined;
  /** What is forgotten of it. With `tables` neither `standing` nor `known` counts. */
  readonly refresh: Refresh | undefined;
  /** What the pipeline's contract says of it. */
  readonly agreed: AgreedTable | undefined;
  /** Of a child table: where its list stands. Its rows are whatever their roots bring. */
  readonly child?: TableState["nested"];
  /** Of a child table: whether its root is new, so that the lists of its rows are too. @default false */
  readonly isFirst?: boolean;
  /** Of a child table: the rows to which its own belong, where those take the place of others. */
  readonly follows?: TablePlan["follows"];
  /** The columns that the description stands for, where nested values do not stay as they are. */
  readonly schema?: Schema | undefined;
  /** How many of its rows may be refused in a run. @default any */
  readonly limits?: QuarantineLimits;
  /** What is different from the last run, beside columns. */
  readonly changes: readonly SchemaChange[];
  /** Told of each change as it happens. */
  readonly onChange: (table: string, changes: readonly SchemaChange[]) => void;
  /** Told of the changes that were committed. */
  readonly onCommit: (table: string, changes: readonly SchemaChange[]) => void;
  /** Told when the refresh is committed. */
  readonly onRefresh: (table: string, refresh: Refresh) => void;
}

/** A table before its first batch. Throws what is wrong with its description. */
export function startTable(options: TableRunOptions): TableRun {
  const { description, spelling, capabilities, disposition, merge, stream, loadIdColumn } = options;
  const { table, column: spell } = spelling;
  const { name: resource, cursorColumn } = description;
  const { child, schema = description.schema } = options;
  const place = { resource, step: "write" } as const;
  const contract = contractOf(description.contract);
  const primaryKey = description.primaryKey.map(spell);
  const partitionBy = description.partitionBy.map((part) => ({ ...part, column: spell(part.column) }));
  const validity = validityNames(merge);
  // The columns that partitions and versions add are the destination's own.
  const own = new Set([
    ...partitionBy.flatMap(({ column, transform, name = `${column}_${transform}` }) =>
      transform === undefined ? [] : [name],
    ),
    ...validity,
  ]);
  const isAnew = options.refresh === "tables";
  const known = isAnew ? undefined : options.known;
  // One of which no column is known was never made.
  const remembered = known !== undefined && known.schema.fields.length > 0 ? known.schema : undefined;
  const standing = isAnew ? undefined : (options.standing ?? remembered);
  let refresh = options.refresh;
  let pending: SchemaChange[] = [];
  let absent: readonly SchemaChange[] = [];
  let rows = 0;
  let lastIncoming: Schema | undefined;
  let lastRenamed: Schema | undefined;

  function report(changes: readonly SchemaChange[]): void {
    if (changes.length === 0) return;
    pending.push(...changes);
    options.onChange(table, changes);
  }

  const columns = openColumns({
    description,
    spelling,
    capabilities,
    loadIdColumn,
    known,
    agreed: options.agreed?.schema,
    report,
    standing: standing && { fields: standing.fields.filter(({ name }) => !own.has(name)) },
    needed: [
      ...primaryKey.map((column) => [column, "primary key"] as const),
      ...(cursorColumn === undefined ? [] : [[spell(cursorColumn), "cursor"] as const]),
      ...partitionBy.map(({ column }) => [column, "partition"] as const),
      ...mergeRoles(merge),
    ],
    chosen: (windowOf(disposition) ?? []).map(({ column }) => column),
    reserved: validity,
  });

  function refuseNullKeys(batch: Batch): void {
    for (const name of primaryKey) {
      const column = columnOf(batch, name);
      if (column === undefined || column.nullCount === 0) continue;
      // What clears the table has no key.
      for (let row = 0; row < batch.length; row++)
        if (!isValid(column, row) && batch.changes?.ops[row] !== ChangeOp.truncate) throw nullKey(name);
    }
  }

  function nullKey(name: string): AlluviumError {
    return new AlluviumError(
      "ALV_ROW_INVALID",
      `a row of ${resource} has null in its key column ${name}; rows are found by their key: filter such rows out, or choose another primaryKey`,
      place,
    );
  }

  /** A table that does not merge takes rows only. */
  function withoutChanges({ changes, ...batch }: Batch): Batch {
    if (changes === undefined || changes.ops.every((op) => op === ChangeOp.insert)) return batch;
    throw resourceError(
      "ALV_UNSUPPORTED",
      resource,
      `its source tells of updates and deletes, which only a merge can follow: give it disposition "merge" and a primaryKey`,
      { step: "write" },
    );
  }

  const tablePolicy =
    child === undefined ? contract.tables : options.isFirst === true ? "evolve" : contract.childTables;
  const isBlocked = standing === undefined && isByRow(tablePolicy);
  if (standing === undefined && tablePolicy === "freeze")
    throw resourceError(
      "ALV_SCHEMA_CONFLICT",
      resource,
      `its table ${table} is not there yet, and its contract for tables is "freeze": make it by a run with { tables: "evolve" }`,
      { step: child === undefined ? "plan" : "write" },
    );
  report(options.changes);
  const fold = (name: string): string => (capabilities.foldsCase ? name.toLowerCase() : name);
  const { known: allowed, withheld } = allowedSchema(schema, standing, {
    contract,
    nameOf: (name) => fold(spell(name)),
    fold,
  });
  if (allowed.fields.length > 0 && !isBlocked) columns.take(allowed);
  // What only rows tell is no declaration.
  const declared = description.open === true || schema.fields.length === 0 ? undefined : columns.schema;
  if (declared !== undefined) columns.declare();

  return {
    resource,
    table,
    primaryKey: description.primaryKey,
    cursorColumn,
    nested: undefined,
    withheld: { columns: withheld, policy: contract.columns },
    leavesOutInvalid: contract.types === "discardRow" || contract.types === "discardValue",
    limits: options.limits ?? {},
    checks: undefined,
    merge,
    spell,
    quarantine:
      child === undefined ? openQuarantine({ stream, table, disposition, capabilities, refresh }) : undefined,
    disposition: windowOf(disposition) === undefined ? abilityOf(disposition) : "replace where",
    get rows() {
      return rows;
    },
    set rows(count) {
      rows = count;
    },
    plan: () => ({
      table,
      stream,
      disposition: consented(disposition, known),
      merge,
      primaryKey,
      partitionBy,
      // One without columns is not made.
      schema: isBlocked ? { fields: [] } : columns.schema,
      ...(options.follows && { follows: options.follows }),
      ...((refresh === "data" || refresh === "tables") && { restart: refresh }),
    }),
    restrict(batch) {
      if (isBlocked) {
        const { length } = batch;
        // Without the table of a list its row can still be; without its own table it cannot.
        if (child !== undefined && tablePolicy === "discardValue")
          return { batch: takeBatch(batch, new Int32Array(0)), offences: [], discarded: length };
        const message = `table ${table} is not there yet, and the contract for new tables is "${tablePolicy}"`;
        const policy = tablePolicy === "quarantine" ? "quarantine" : "discardRow";
        const offend = (_: unknown, row: number): Offence => {
          return { row, rule: "table", column: undefined, message, policy };
        };
        return { batch, offences: Array.from({ length }, offend), discarded: 0 };
      }
      const fixed = columns.committed ?? declared;
      if (!isByRow(contract.types) && (fixed === undefined || !isByRow(contract.columns)))
        return { batch, offences: [], discarded: 0 };
      return restrictBatch(batch, {
        // The first load defines the columns, and its first values their types.
        contract: fixed === undefined ? { ...contract, columns: "evolve" } : contract,
        columns:
          fixed ??
          settledColumns({
            own: columns.schema,
            incoming: batch.schema,
            isOwn: (name, own) => fold(spell(name)) === fold(own),
            keepsIntegers: (own) => columns.keepsIntegers(own),
          }),
        key: primaryKey,
        // What stands for a nested value as a whole is no column of the source.
        isSystem: (name) => name.startsWith("_alv_") || parseName(name).token !== undefined,
        foldsCase: capabilities.foldsCase,
        spell,
      });
    },
    conform(given, loadId) {
      // None of its rows is left, and their columns are not to be.
      if (isBlocked) return given;
      const batch = disposition.kind === "merge" ? given : withoutChanges(given);
      if (batch.schema !== lastIncoming || lastRenamed === undefined) {
        lastRenamed = columns.take(batch.schema);
        lastIncoming = batch.schema;
        columns.requireColumns();
        refuseFlag();
      }
      const vectors = loadIdColumn
        ? [...batch.columns, constantVector(loadIdField.type, loadId, batch.length)]
        : batch.columns;
      const fitted = columns.fit({ ...batch, schema: lastRenamed, columns: vectors });
      refuseNullKeys(fitted);
      return fitted;
    },
    refuse(rows) {
      const [first] = rows;
      const { types } = contract;
      if (first !== undefined && (types === "evolve" || types === "freeze"))
        throw new AlluviumError(first.reason, first.message, { resource, step: "read" });
      return types === "quarantine"
        ? { refused: rows, discarded: 0 }
        : { refused: [], discarded: rows.length };
    },
    isCommitted: () => columns.isCommitted,
    missing: missingColumns,
    finish() {
      const isWindow = windowOf(disposition) !== undefined;
      const isEmptying =
        disposition.kind === "replace" ? !disposition.allowEmpty && known?.rows !== 0 : isWindow;
      if (child === undefined && isEmptying && rows === 0 && columns.isCommitted)
        throw new AlluviumError(
          "ALV_EMPTY_REPLACE",
          `${resource} yielded no rows, and replacing would empty ${isWindow ? "the window in " : ""}${table}; if that is meant, use { replace: …, allowEmpty: true }`,
          place,
        );
      const isRefreshed = child === undefined && refresh !== undefined && refresh !== "state";
      if (isRefreshed && rows === 0 && options.standing !== undefined)
        if (disposition.kind !== "replace" || !disposition.allowEmpty)
          throw new AlluviumError(
            "ALV_EMPTY_REPLACE",
            `${resource} yielded no rows, and refresh: "${refresh}" would leave ${table} empty; if that is meant, drop the table, or use { replace: "all", allowEmpty: true }`,
            place,
          );
      // Nothing to commit, so it is reported at once.
      absent = missingColumns();
      if (absent.length === 0) return;
      options.onChange(table, absent);
      options.onCommit(table, absent);
    },
    changes: () => [...pending, ...absent],
    commit() {
      columns.commit();
      if (pending.length > 0) options.onCommit(table, pending);
      pending = [];
      absent = [];
      if (refresh !== undefined) options.onRefresh(table, refresh);
      refresh = undefined;
    },
    restart() {
      rows = 0;
    },
    state: () => ({
      stream,
      resource,
      schema: columns.schema,
      columns: {
        ...Object.fromEntries(Array.from(columns.seen, (name) => [name, spelling.source(name)])),
        ...known?.columns,
      },
      primaryKey,
      disposition: abilityOf(disposition),
      ...(validity.length > 0 && { validity }),
      ...(columns.json.length > 0 && { json: columns.json }),
      ...(description.nesting &&
        !isNative(description.nesting) && { nesting: nestingState(description.nesting) }),
      ...(child && { nested: child }),
      ...(disposition.kind === "replace" && disposition.where === undefined ? { rows } : {}),
    }),
  };

  /** The columns that are gone at the source. What stands for a nested value as a whole is no column of the source. */
  function missingColumns(): readonly SchemaChange[] {
    if (child !== undefined && rows === 0) return [];
    const isColumn = (name: string): boolean => parseName(spelling.source(name)).token === undefined;
    return columns.missing().filter((change) => !("column" in change) || isColumn(change.column));
  }

  /** What is no boolean would delete nothing, and nobody would notice. */
  function refuseFlag(): void {
    const flag = merge?.deleteFlag;
    const type = columns.schema.fields.find(({ name }) => name === flag)?.type;
    if (type === undefined || type.kind === "boolean" || type.kind === "null") return;
    throw resourceError(
      "ALV_CONFIG",
      resource,
      `deleteFlag names ${flag}, which is ${describeType(type)}; it must be a boolean column`,
      { step: "write" },
    );
  }
}

/**
 * What of the columns that a source describes may be in a table that is there: where the contract decides row by row, a new column is not, and a type
 * is the table's, so that rows are held to them one by one.
 */
function allowedSchema(
  described: Schema,
  standing: Schema | undefined,
  options: {
    readonly contract: Contract;
    /** A column of the source as names are compared. */
    readonly nameOf: (name: string) => string;
    readonly fold: (name: string) => string;
  },
): { readonly known: Schema; readonly withheld: readonly string[] } {
  const { contract, nameOf, fold } = options;
  const byRow = { columns: isByRow(contract.columns), types: isByRow(contract.types) };
  if (standing === undefined || !(byRow.columns || byRow.types)) return { known: described, withheld: [] };
  const own = new Map(standing.fields.map((field) => [fold(field.name), field]));
  const withheld: string[] = [];
  const fields = described.fields.flatMap((field) => {
    const known = own.get(nameOf(field.name));
    // What has no type yet is nothing new.
    const isNew = known === undefined && field.type.kind !== "null" && byRow.columns;
    if (isNew) {
      withheld.push(field.name);
      return [];
    }
    const keeps = known !== undefined && known.type.kind !== "null" && (byRow.types || isNested(known.type));
    return keeps ? [{ ...field, type: known.type }] : [field];
  });
  return { known: { fields }, withheld };
}

/** Emptying a table that is new or empty already needs no consent, so the destination is not asked to refuse it. */
function consented(disposition: Disposition, known: TableState | undefined): Disposition {
  if (disposition.kind !== "replace" || disposition.allowEmpty) return disposition;
  return known === undefined || known.rows === 0 ? { ...disposition, allowEmpty: true } : disposition;
}
