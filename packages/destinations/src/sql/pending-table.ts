import { AlluviumError, type Field, type Schema, type TablePlan } from "@alluvium/core";
import { ChangeOp, isValid, type Batch } from "@alluvium/core/columns";
import { boundSchema, conformBatch, sameType } from "@alluvium/core/schema";
import { schemaHash } from "@alluvium/core/state";
import type { SqlContext } from "./context.ts";
import type { SqlSegment } from "./engine.ts";
import { grownSchema } from "./grow.ts";
import type { Target } from "./ownership.ts";
import {
  changeFields,
  formOf,
  lastTruncate,
  nullable,
  withChangeColumns,
  withFields,
  type ChangeForm,
  type ChangePlace,
} from "./staged-changes.ts";
import { ownColumns, refuseValidityNames, validityFields, validityOf } from "./validity.ts";

/** Below all ordinals. */
const LEAST = -(2n ** 63n);

/** Rows that were staged together. */
export interface StagedRows {
  readonly segment: SqlSegment;
  /** Columns of the table's data in it. */
  readonly schema: Schema;
  readonly hash: string;
  readonly form: ChangeForm;
  /** Number of the stretch between two sealed marks: what was written before a sealed mark comes before what was written after it. */
  readonly stretch: number;
  /** The ordinal of rows that have none of their own: the greatest that was written before them. */
  readonly ordinal: bigint;
  rows: number;
  truncate: ChangePlace | undefined;
}

/** What one table has staged and not committed: what is open, and what a mark sealed. */
export class PendingTable {
  readonly name: string;
  readonly stream: string;
  plan: TablePlan;
  target: Target;
  /** Columns as they are committed; `undefined` for a table that the next load creates. */
  committed: Schema | undefined;
  /** Columns of the latest batch and of all before it. */
  schema: Schema;
  /** Whether the next commit takes away what the table held. */
  restart: "data" | "tables" | undefined;
  #sealed: StagedRows[] = [];
  #open: StagedRows[] = [];
  #writing: StagedRows | undefined;
  /** The number of the next row. */
  #number = 0n;
  #stretch = 0;
  /** The greatest ordinal of the stretch. */
  #ordinal = LEAST;
  #incoming: { readonly schema: Schema; readonly bound: Schema; readonly hash: string } | undefined;
  readonly #context: SqlContext;

  constructor(context: SqlContext, options: Pick<PendingTable, "plan" | "target" | "committed" | "restart">) {
    this.#context = context;
    this.plan = options.plan;
    this.name = options.plan.table;
    this.stream = options.plan.stream;
    this.target = options.target;
    this.committed = options.committed;
    this.restart = options.restart;
    this.schema = options.plan.schema;
  }

  /** Rows that a mark sealed, oldest first. */
  get sealed(): readonly StagedRows[] {
    return this.#sealed;
  }

  /** The table's columns after a load that commits what is here. */
  get next(): Schema {
    const own = ownColumns(this.plan, boundSchema(this.schema));
    const validity = validityOf(this.plan);
    const bound =
      validity === undefined || own.fields.length === 0 ? own : withFields(own, validityFields(validity));
    return this.restart === "tables" ? bound : grownSchema(this.committed, bound);
  }

  /** Columns of the primary key as the table has them. */
  get key(): readonly Field[] {
    return keyFields(this.plan, this.next);
  }

  /** Takes rows. */
  async write(batch: Batch, signal: AbortSignal | undefined): Promise<void> {
    this.schema = batch.schema;
    if (batch.length === 0) return;
    const { bound, hash } = this.#bind(batch.schema);
    const merges = this.plan.disposition.kind === "merge";
    const form = formOf(batch);
    const key = merges ? keyFields(this.plan, bound) : [];
    const fields = merges ? changeFields(form, key) : [];
    const schema = form === "rows" ? bound : nullable(bound);
    const rows = await this.#segmentFor(schema, hash, fields, form);
    const conformed = conformBatch(batch, schema, { table: this.name });
    const keyNames = key.map(({ name }) => name);
    refuseNullKeys(conformed, this.name, keyNames);
    await rows.segment.append(
      merges ? withChangeColumns(conformed, fields, keyNames, this.#number) : conformed,
      { signal },
    );
    rows.rows += batch.length;
    const truncate = lastTruncate(batch, this.#number);
    if (truncate !== undefined && truncate.ordinal >= (rows.truncate?.ordinal ?? LEAST))
      rows.truncate = truncate;
    this.#number += BigInt(batch.length);
    this.#ordinal = greatestOrdinal(batch, this.#ordinal);
  }

  /** Closes what is open: all that was written belongs to a checkpoint. */
  async seal(): Promise<void> {
    await this.#close();
    this.#sealed.push(...this.#open.splice(0));
    this.#stretch += 1;
    this.#ordinal = LEAST;
  }

  /** Drops what was written since the last seal. */
  async discard(): Promise<void> {
    this.#writing = undefined;
    await dropAll(this.#open.splice(0));
  }

  /** Drops all that is not committed. */
  async discardAll(): Promise<void> {
    await this.discard();
    await dropAll(this.#sealed.splice(0));
  }

  /** Gives up rows that are committed. */
  async take(taken: readonly StagedRows[]): Promise<void> {
    this.#sealed = this.#sealed.filter((rows) => !taken.includes(rows));
    await dropAll(taken);
  }

  /**
   * Stages sealed rows again whose columns have another type than the table will: values become those of the wider type exactly, or
   * `ALV_SCHEMA_CONFLICT` names what does not fit.
   */
  async restage(): Promise<void> {
    const next = new Map(this.next.fields.map((field) => [field.name, field]));
    for (const [index, rows] of this.#sealed.entries()) {
      const same = rows.schema.fields.every(({ name, type }) => sameType(type, next.get(name)?.type ?? type));
      if (same) continue;
      const schema: Schema = { fields: rows.schema.fields.map((field) => next.get(field.name) ?? field) };
      const extra = rows.segment.schema.fields.slice(rows.schema.fields.length);
      this.#sealed[index] = {
        ...rows,
        schema,
        hash: schemaHash(schema),
        segment: await this.#copy(rows.segment, withFields(schema, extra)),
      };
      await rows.segment.drop();
    }
  }

  async #copy(from: SqlSegment, schema: Schema): Promise<SqlSegment> {
    const { connection, dialect } = this.#context;
    const to = await connection.stage(schema);
    const columns = from.schema.fields.map(({ name }) => dialect.quote(name)).join(", ");
    for await (const batch of connection.scan(
      { text: `select ${columns} from ${from.relation} as s` },
      from.schema,
    ))
      await to.append(conformBatch(batch, schema, { table: this.name }));
    await to.seal();
    return to;
  }

  #bind(schema: Schema): { readonly bound: Schema; readonly hash: string } {
    if (this.#incoming?.schema !== schema) {
      refuseValidityNames(this.plan, schema);
      const bound = boundSchema(schema);
      this.#incoming = { schema, bound, hash: schemaHash(bound) };
    }
    return this.#incoming;
  }

  async #segmentFor(
    schema: Schema,
    hash: string,
    fields: readonly Field[],
    form: ChangeForm,
  ): Promise<StagedRows> {
    const open = this.#writing;
    if (open !== undefined && open.form === form && open.hash === hash) return open;
    await this.#close();
    this.#writing = {
      segment: await this.#context.connection.stage(withFields(schema, fields)),
      schema,
      hash,
      form,
      stretch: this.#stretch,
      ordinal: this.#ordinal,
      rows: 0,
      truncate: undefined,
    };
    this.#open.push(this.#writing);
    return this.#writing;
  }

  async #close(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    await writing?.segment.seal();
  }
}

/** The fields of the primary key. Throws `ALV_SCHEMA_CONFLICT` where the table has no such column. */
export function keyFields({ table, primaryKey }: TablePlan, schema: Schema): readonly Field[] {
  return primaryKey.map((name) => {
    const field = schema.fields.find((other) => other.name === name);
    if (field !== undefined) return field;
    throw new AlluviumError(
      "ALV_SCHEMA_CONFLICT",
      `table ${table} merges by ${name}, but there is no such column among ${schema.fields.map((other) => other.name).join(", ") || "its columns, of which none is known yet"}`,
      { resource: table },
    );
  });
}

/** Rows are found by their key; only a truncate has none. */
function refuseNullKeys(batch: Batch, table: string, key: readonly string[]): void {
  const { schema, columns, length, changes } = batch;
  for (const name of key) {
    const column = columns[schema.fields.findIndex((field) => field.name === name)]!;
    if (column.nullCount === 0) continue;
    for (let row = 0; row < length; row++)
      if (!isValid(column, row) && changes?.ops[row] !== ChangeOp.truncate)
        throw new AlluviumError(
          "ALV_ROW_INVALID",
          `a row of table ${table} has null in its key column ${JSON.stringify(name)}; rows are found by their key: filter such rows out, or choose another primaryKey`,
          { resource: table },
        );
  }
}

function greatestOrdinal({ changes, length }: Batch, before: bigint): bigint {
  let greatest = before;
  for (let row = 0; changes !== undefined && row < length; row++)
    if (changes.ordinals[row]! > greatest) greatest = changes.ordinals[row]!;
  return greatest;
}

async function dropAll(staged: readonly StagedRows[]): Promise<void> {
  for (const { segment } of staged) await segment.drop();
}
