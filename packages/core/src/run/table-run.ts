import { ChangeOp, type Batch } from "../columns/batch.ts";
import { constantVector } from "../columns/dictionary.ts";
import { isValid } from "../columns/vector.ts";
import type { Capabilities, TablePlan } from "../destination.ts";
import { abilityOf, decidingColumns, windowOf, type Disposition } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import { conformBatch } from "../schema/conform.ts";
import { evolveSchema } from "../schema/evolve.ts";
import { splitBatch } from "../schema/split.ts";
import { variantsOf, type VariantNames } from "../schema/variants.ts";
import type { Field, Schema } from "../schema/types.ts";
import type { TableState } from "../state/state.ts";
import type { TableDescription } from "../stream.ts";
import type { SchemaChange } from "./events.ts";
import { loadIdField, type Spelling } from "./spelling.ts";
import { storedTypeOf } from "./stored-type.ts";

/** A table in the course of one run: takes its stream's batches to the columns that the destination holds. */
export interface TableRun {
  readonly resource: string;
  /** Name at the destination. */
  readonly table: string;
  /** For people: `append`, `replace`, `upsert` …, with `where` where only a part is replaced. */
  readonly disposition: string;
  /** Rows written since the stream began its present generation. */
  rows: number;
  /** The table's part of a load's plan, with the columns known by now. */
  plan(): TablePlan;
  /** A batch in the destination's names and types, with the load's id; grows the schema where the batch brings more. */
  conform(batch: Batch, loadId: string): Batch;
  /** The stream has no more rows: what can be said only now is checked. */
  finish(): void;
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
  readonly disposition: Disposition;
  readonly capabilities: Capabilities;
  readonly loadIdColumn: boolean;
  /** The table as it stands at the destination. */
  readonly standing: Schema | undefined;
  /** What the state remembers of it. */
  readonly known: TableState | undefined;
  /** Told of each change as it happens. */
  readonly onChange: (table: string, changes: readonly SchemaChange[]) => void;
  /** Told of the changes that were committed. */
  readonly onCommit: (table: string, changes: readonly SchemaChange[]) => void;
}

/** A table before its first batch. Throws what is wrong with its description. */
export function startTable(options: TableRunOptions): TableRun {
  const { description, spelling, capabilities, known, disposition, stream, loadIdColumn } = options;
  const { table, column: spell } = spelling;
  const { name: resource, cursorColumn, merge, contract } = description;
  const place = { resource, step: "write" } as const;
  const primaryKey = description.primaryKey.map(spell);
  const partitionBy = description.partitionBy.map((part) => ({ ...part, column: spell(part.column) }));
  const derived = partitionBy.flatMap(({ column, transform, name = `${column}_${transform}` }) =>
    transform === undefined ? [] : [name],
  );
  const needed: readonly (readonly [column: string, role: string])[] = [
    ...primaryKey.map((column) => [column, "primary key"] as const),
    ...(cursorColumn === undefined ? [] : [[spell(cursorColumn), "cursor"] as const]),
    ...partitionBy.map(({ column }) => [column, "partition"] as const),
  ];
  const standing = options.standing ?? known?.schema;

  // The columns that partitions add are the destination's own.
  let committed: Schema | undefined = standing && {
    fields: standing.fields.filter(({ name }) => !derived.includes(name)),
  };
  let schema: Schema = committed ?? { fields: [] };
  let pending: SchemaChange[] = [];
  let created = committed !== undefined;
  const seen = new Set<string>();
  const { storedType, widens, foldsCase, maxIdentifierLength } = capabilities;
  const names: VariantNames = {
    foldCase: foldsCase,
    maxLength: maxIdentifierLength,
    isReal: (column) => seen.has(column) || (known !== undefined && column in known.columns),
  };
  // Rows are found, ordered and chosen by these columns, so their values stay in them.
  const whole = new Set([
    ...needed.map(([column]) => column),
    ...(windowOf(disposition) ?? []).map(({ column }) => column),
    ...decidingColumns(merge).map(spell),
    loadIdField.name,
  ]);
  const splits = (column: string): boolean =>
    contract !== "freeze" && committed !== undefined && !whole.has(column);
  let rows = 0;
  let lastIncoming: Schema | undefined;
  let lastRenamed: Schema | undefined;

  /** The batch's columns by their names here; the table grows by what they bring. */
  function take(incoming: Schema): Schema {
    const fields: readonly Field[] = [
      ...incoming.fields.map((field) => ({ ...field, name: spell(field.name) })),
      ...(loadIdColumn ? [loadIdField] : []),
    ];
    refuseVariantNames(fields);
    for (const { name } of fields) if (name !== loadIdField.name) seen.add(name);
    grow(fields);
    return { fields };
  }

  /** The table grows by columns; `variants` says which of them are variants. */
  function grow(fields: readonly Field[], variants?: ReadonlyMap<string, string>): void {
    const stored = fields.map((field) => ({ ...field, type: storedTypeOf(field.type, storedType) }));
    const evolved = evolveSchema(
      schema,
      { fields: stored },
      { ...names, committed, contract, foldCase: foldsCase, widens, splits, variants, table },
    );
    schema = evolved.schema;
    // Until a table is there its columns are news of its creation, not changes.
    if (!created) report([{ kind: "tableCreated" }]);
    else if (committed !== undefined) report(evolved.changes.filter(({ kind }) => kind !== "columnMissing"));
    created = true;
  }

  /** Without state nobody knows which columns of a standing table are variants. */
  function refuseVariantNames(fields: readonly Field[]): void {
    if (known === undefined && options.standing !== undefined) return;
    const variants = variantsOf(schema.fields, names);
    for (const { name } of fields)
      if (variants.has(name))
        throw new AlluviumError(
          "ALV_NAME_COLLISION",
          `${resource} has a new column ${spelling.source(name)}, but ${name} of ${table} holds the values of ${variants.get(name)} that do not fit there; rename the new one`,
          place,
        );
  }

  function report(changes: readonly SchemaChange[]): void {
    if (changes.length === 0) return;
    pending.push(...changes);
    options.onChange(table, changes);
  }

  function requireColumns(): void {
    for (const [column, role] of needed) {
      if (seen.has(column)) continue;
      const has = `the source has ${[...seen].join(", ")}`;
      throw known !== undefined && column in known.columns
        ? new AlluviumError(
            "ALV_SCHEMA_CONFLICT",
            `column ${column} of ${table} is gone at the source, but it is its ${role} column; ${has}`,
            place,
          )
        : new AlluviumError(
            "ALV_SOURCE_NOT_FOUND",
            `${resource} has no column ${spelling.source(column)}, which is named as its ${role} column; ${has}`,
            place,
          );
    }
  }

  function refuseNullKeys({ schema: { fields }, columns, changes, length }: Batch): void {
    fields.forEach(({ name }, i) => {
      const column = columns[i]!;
      if (column.nullCount === 0 || !primaryKey.includes(name)) return;
      // What clears the table has no key.
      for (let row = 0; row < length; row++)
        if (!isValid(column, row) && changes?.ops[row] !== ChangeOp.truncate) throw nullKey(name);
    });
  }

  function nullKey(name: string): AlluviumError {
    return new AlluviumError(
      "ALV_ROW_INVALID",
      `a row of ${resource} has null in its key column ${name}; rows are found by their key: filter such rows out, or choose another primaryKey`,
      place,
    );
  }

  if (description.schema.fields.length > 0) take(description.schema);

  return {
    resource,
    table,
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
      schema,
    }),
    conform(batch, loadId) {
      if (batch.schema !== lastIncoming || lastRenamed === undefined) {
        lastRenamed = take(batch.schema);
        lastIncoming = batch.schema;
        requireColumns();
      }
      const columns = loadIdColumn
        ? [...batch.columns, constantVector(loadIdField.type, loadId, batch.length)]
        : batch.columns;
      let named: Batch = { ...batch, schema: lastRenamed, columns };
      if (committed !== undefined) {
        const split = splitBatch(named, schema, { ...names, committed, splits, storedType, widens });
        if (split.variants.size > 0) grow(split.batch.schema.fields, split.variants);
        named = split.batch;
      }
      const conformed = conformBatch(named, schema, {
        ...names,
        absent: description.partial === true ? "unchanged" : "null",
      });
      refuseNullKeys(conformed);
      return conformed;
    },
    finish() {
      const isWindow = windowOf(disposition) !== undefined;
      const isEmptying =
        disposition.kind === "replace" ? !disposition.allowEmpty && known?.rows !== 0 : isWindow;
      if (isEmptying && rows === 0 && committed !== undefined)
        throw new AlluviumError(
          "ALV_EMPTY_REPLACE",
          `${resource} yielded no rows, and replacing would empty ${isWindow ? "the window in " : ""}${table}; if that is meant, use { replace: …, allowEmpty: true }`,
          place,
        );
      if (seen.size === 0 || known === undefined || description.partial === true) return;
      // Nothing to commit, so it is reported at once.
      const missing = Object.keys(known.columns)
        .filter((column) => !seen.has(column))
        .map((column) => ({ kind: "columnMissing", column }) as const);
      if (missing.length === 0) return;
      options.onChange(table, missing);
      options.onCommit(table, missing);
    },
    commit() {
      committed = schema;
      if (pending.length > 0) options.onCommit(table, pending);
      pending = [];
    },
    restart() {
      rows = 0;
    },
    state: () => ({
      stream,
      resource,
      schema,
      columns: {
        ...Object.fromEntries(Array.from(seen, (name) => [name, spelling.source(name)])),
        ...known?.columns,
      },
      primaryKey,
      disposition: abilityOf(disposition),
      ...(disposition.kind === "replace" && disposition.where === undefined ? { rows } : {}),
    }),
  };
}

/** Emptying a table that is new or empty already needs no consent, so the destination is not asked to refuse it. */
function consented(disposition: Disposition, known: TableState | undefined): Disposition {
  if (disposition.kind !== "replace" || disposition.allowEmpty) return disposition;
  return known === undefined || known.rows === 0 ? { ...disposition, allowEmpty: true } : disposition;
}
