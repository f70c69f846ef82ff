import type { Batch } from "../columns/batch.ts";
import { constantVector } from "../columns/dictionary.ts";
import type { Capabilities, TablePlan } from "../destination.ts";
import { abilityOf, type Disposition } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import { conformBatch } from "../schema/conform.ts";
import { evolveSchema } from "../schema/evolve.ts";
import type { Field, Schema } from "../schema/types.ts";
import type { TableState } from "../state/state.ts";
import type { Partition, TableDescription } from "../stream.ts";
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
  const { description, spelling, capabilities, known, disposition } = options;
  const { table } = spelling;
  const place = { resource: description.name, step: "write" } as const;
  const primaryKey = description.primaryKey.map((name) => spelling.column(name));
  const partitionBy = description.partitionBy.map((part) => ({
    ...part,
    column: spelling.column(part.column),
  }));
  const cursorColumn =
    description.cursorColumn === undefined ? undefined : spelling.column(description.cursorColumn);
  const derived = new Set(partitionBy.map(derivedName));
  const needed = [
    ...primaryKey.map((column) => [column, "primary key"] as const),
    ...(cursorColumn === undefined ? [] : [[cursorColumn, "cursor"] as const]),
    ...partitionBy.map(({ column }) => [column, "partition"] as const),
  ];

  let committed = withoutColumns(options.standing ?? known?.schema, derived);
  let schema: Schema = committed ?? { fields: [] };
  let pending: SchemaChange[] = [];
  let created = committed !== undefined;
  const seen = new Set<string>();
  const lastRows = known?.rows;
  let rows = 0;
  let lastIncoming: Schema | undefined;
  let lastRenamed: Schema | undefined;

  function grow(incoming: Schema): void {
    const evolved = evolveSchema(schema, incoming, {
      committed,
      contract: description.contract ?? "evolve",
      foldCase: capabilities.foldsCase,
      table,
    });
    schema = evolved.schema;
    // Until a table is there its columns are news of its creation, not changes.
    const changes: SchemaChange[] = created
      ? evolved.changes.filter(({ kind }) => kind !== "columnMissing")
      : [{ kind: "tableCreated" }];
    created = true;
    if (committed === undefined && changes[0]?.kind !== "tableCreated") return;
    report(changes);
  }

  function report(changes: readonly SchemaChange[]): void {
    if (changes.length === 0) return;
    pending.push(...changes);
    options.onChange(table, changes);
  }

  /** The batch's columns by their names here; members too have the types that they have here. */
  function rename(incoming: Schema): Schema {
    const fields = incoming.fields.map((field) => ({ ...field, name: spelling.column(field.name) }));
    return { fields: options.loadIdColumn ? [...fields, loadIdField] : fields };
  }

  function stored(renamed: Schema): Schema {
    return {
      fields: renamed.fields.map((field) => ({
        ...field,
        type: storedTypeOf(field.type, capabilities.storedType),
      })),
    };
  }

  function take(incoming: Schema): Schema {
    const renamed = rename(incoming);
    for (const { name } of renamed.fields) seen.add(name);
    grow(stored(renamed));
    return renamed;
  }

  function requireColumns(): void {
    for (const [column, role] of needed) {
      if (seen.has(column)) continue;
      const columns = [...seen].filter((name) => name !== loadIdField.name).join(", ");
      throw known !== undefined && column in known.columns
        ? new AlluviumError(
            "ALV_SCHEMA_CONFLICT",
            `column ${column} of ${table} is gone at the source, but it is its ${role} column; the source has ${columns}`,
            place,
          )
        : new AlluviumError(
            "ALV_SOURCE_NOT_FOUND",
            `${description.name} has no column ${spelling.source(column)}, which is named as its ${role} column; it has ${columns}`,
            place,
          );
    }
  }

  function refuseNullKeys(batch: Batch): void {
    if (disposition.kind !== "merge") return;
    for (const column of primaryKey) {
      const index = batch.schema.fields.findIndex(({ name }) => name === column);
      if ((batch.columns[index]?.nullCount ?? 0) > 0)
        throw new AlluviumError(
          "ALV_ROW_INVALID",
          `a row of ${description.name} has null in its key column ${column}; a merge finds rows by their key, so filter such rows out or choose another key`,
          place,
        );
    }
  }

  if (description.schema.fields.length > 0) take(description.schema);

  return {
    resource: description.name,
    table,
    disposition: dispositionText(disposition),
    get rows() {
      return rows;
    },
    set rows(count) {
      rows = count;
    },
    plan: () => ({
      table,
      stream: options.stream,
      disposition: consented(disposition, known),
      ...(description.merge === undefined ? {} : { merge: description.merge }),
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
      const columns = options.loadIdColumn
        ? [...batch.columns, constantVector(loadIdField.type, loadId, batch.length)]
        : batch.columns;
      const conformed = conformBatch({ ...batch, schema: lastRenamed, columns }, schema);
      refuseNullKeys(conformed);
      return conformed;
    },
    finish() {
      const isEmptying =
        rows === 0 &&
        ((disposition.kind === "replace" && !disposition.allowEmpty && lastRows !== 0) ||
          (disposition.kind === "append" && disposition.replaceWhere !== undefined)) &&
        committed !== undefined;
      if (isEmptying)
        throw new AlluviumError(
          "ALV_EMPTY_REPLACE",
          `${description.name} yielded no rows, and replacing would empty ${disposition.kind === "append" || disposition.where !== undefined ? "the window in " : ""}${table}; if that is meant, use { replace: …, allowEmpty: true }`,
          place,
        );
      if (seen.size === 0 || known === undefined) return;
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
      stream: options.stream,
      resource: description.name,
      schema,
      columns: {
        ...known?.columns,
        ...Object.fromEntries(
          [...seen]
            .filter((name) => name !== loadIdField.name)
            .map((name) => [name, known?.columns[name] ?? spelling.source(name)]),
        ),
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

function dispositionText(disposition: Disposition): string {
  switch (disposition.kind) {
    case "append":
      return disposition.replaceWhere === undefined ? "append" : "replace where";
    case "replace":
      return disposition.where === undefined ? "replace" : "replace where";
    case "merge":
      return disposition.strategy;
  }
}

/** Name of the column that a partition adds to the table, `undefined` for a column itself. */
function derivedName(part: Partition): string | undefined {
  return part.transform === undefined ? undefined : (part.name ?? `${part.column}_${part.transform}`);
}

function withoutColumns(
  schema: Schema | undefined,
  names: ReadonlySet<string | undefined>,
): Schema | undefined {
  if (schema === undefined || names.size === 0) return schema;
  const fields: readonly Field[] = schema.fields.filter(({ name }) => !names.has(name));
  return { fields };
}
