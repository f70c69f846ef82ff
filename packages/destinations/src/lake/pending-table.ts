import { AlluviumError, type Schema, type TablePlan } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { changeBatch, changeSchema, placeChanges } from "./change-file.ts";
import type { LakeContext } from "./context.ts";
import { greatestOrdinal, NO_ORDINAL, refuseChanges, staysInOrder } from "./merge-rows.ts";
import type { DataFile, TableWriter, TableWriterOptions } from "./contract.ts";
import { refuseOutside } from "./outside.ts";
import type { Target } from "./ownership.ts";
import { tableDirectory } from "./paths.ts";
import { plannedSchema } from "./planned-schema.ts";
import { boundSchema, compareSchemas, grownSchema } from "./schemas.ts";

/** Files that were closed together. */
export interface FileSet {
  readonly files: readonly DataFile[];
  /** How many widenings of the schema came before: files of an older epoch are written again before they are committed. */
  readonly epoch: number;
  /** When the oldest of them was begun, in milliseconds by the store's clock. */
  readonly written: number;
}

/** What a pending table is opened with. */
export interface PendingTableOptions {
  readonly plan: TablePlan;
  readonly target: Target;
  /** Columns as committed; `undefined` for a table that the next load creates. */
  readonly committed: Schema | undefined;
  readonly budget: number;
}

/** The files of one table that are written and not committed: open ones, closed ones, and those sealed by a mark. */
export class PendingTable {
  readonly name: string;
  readonly directory: string;
  readonly stream: string;
  plan: TablePlan;
  target: Target;
  committed: Schema | undefined;
  /** Columns of the latest batch and of all before it. */
  schema: Schema;
  #sealed: FileSet[] = [];
  #loose: FileSet[] = [];
  #epoch = 0;
  #begun: number | undefined;
  #writer: TableWriter | undefined;
  /** Writes rows of a merge that cannot become data files as they are; once there is one, everything goes to it until all is taken. */
  #changeWriter: TableWriter | undefined;
  #changeForm: { readonly of: Schema; readonly form: Schema } | undefined;
  /** Number of sealed marks that came before. */
  #stretch = 0;
  /** The greatest ordinal of the stretch so far: rows without one take effect after it. */
  #ordinal = NO_ORDINAL;
  #last: Promise<unknown> = Promise.resolve();
  #restarted = false;
  readonly #context: LakeContext;
  readonly #options: PendingTableOptions;

  constructor(context: LakeContext, options: PendingTableOptions) {
    this.#context = context;
    this.#options = options;
    this.plan = options.plan;
    this.name = options.plan.table;
    this.directory = tableDirectory(this.name);
    this.stream = options.plan.stream;
    this.target = options.target;
    this.committed = options.committed;
    this.schema = options.plan.schema;
  }

  /** What goes with the first commit of the session; `undefined`: nothing, or it went. */
  get restart(): TablePlan["restart"] {
    return this.#restarted ? undefined : this.plan.restart;
  }

  /** Files that a mark sealed, oldest first. */
  get sealed(): readonly FileSet[] {
    return this.#sealed;
  }

  /** The schema of the table after a load that commits what is here. */
  get next(): Schema {
    const bound = plannedSchema(this.plan, this.schema);
    const before = this.#standing;
    return before === undefined ? bound : grownSchema(before, bound);
  }

  /** The columns that stay; `undefined`: none do. */
  get #standing(): Schema | undefined {
    return this.restart === "tables" ? undefined : this.committed;
  }

  /** Takes rows. */
  write(batch: Batch, signal: AbortSignal | undefined): Promise<void> {
    return this.#next(async () => {
      if (batch.schema !== this.schema) await this.#grow(batch.schema);
      if (batch.length === 0) return;
      refuseOutside(this.plan, batch, this.next);
      refuseChanges(this.plan, batch, this.target.ownership);
      await this.#forgetChanges();
      this.#begun ??= (await this.#context.store.now()).getTime();
      const call = signal === undefined ? {} : { signal };
      if (this.#changeWriter !== undefined || batch.changes !== undefined || !staysInOrder(this.plan))
        return this.#writeChanges(batch, call);
      this.#writer ??= this.#context.openWriter(this.writerOptions(this.schema));
      await this.#writer.write(batch, call);
    });
  }

  async #writeChanges(batch: Batch, call: { readonly signal?: AbortSignal }): Promise<void> {
    if (this.#changeWriter === undefined) {
      // What was written before comes first, also in the order of files.
      await this.#close();
      this.#begun ??= (await this.#context.store.now()).getTime();
      this.#changeWriter = this.#context.openWriter({
        ...this.writerOptions(changeSchema(this.schema, this.plan.primaryKey)),
        place: placeChanges,
        partitionBy: [],
      });
    }
    if (this.#changeForm?.of !== batch.schema)
      this.#changeForm = { of: batch.schema, form: changeSchema(batch.schema, this.plan.primaryKey) };
    this.#ordinal = greatestOrdinal(batch, this.#ordinal);
    await this.#changeWriter.write(changeBatch(batch, this.#changeForm.form, this.#ordinal), call);
  }

  /** Closes the open files: what was written so far belongs to a checkpoint. */
  seal(): Promise<void> {
    return this.#next(async () => {
      await this.#close();
      this.#sealed.push(...this.#loose.splice(0));
      this.#stretch += 1;
      this.#ordinal = NO_ORDINAL;
    });
  }

  /** Drops what was written since the last seal. */
  discard(): Promise<void> {
    return this.#next(async () => {
      await this.#writer?.discard();
      await this.#changeWriter?.discard();
      this.#begun = undefined;
      this.#ordinal = NO_ORDINAL;
      await this.#delete(this.#loose.splice(0));
    });
  }

  /** Drops all that is not committed. */
  async discardAll(): Promise<void> {
    await this.discard();
    await this.#delete(this.#sealed.splice(0));
  }

  /** Writes sealed files of an older epoch again, in the wider schema of today. */
  rewriteOld(signal: AbortSignal): Promise<void> {
    return this.#next(async () => {
      for (const [index, set] of this.#sealed.entries()) {
        if (set.epoch === this.#epoch) continue;
        // Changes are widened when they are read.
        const changes = set.files.filter((file) => file.changes);
        const old = set.files.filter((file) => !file.changes);
        const options = this.writerOptions(boundSchema(this.schema));
        const files = old.length === 0 ? [] : await this.#context.rewrite(old, options, { signal });
        this.#sealed[index] = { ...set, files: [...files, ...changes], epoch: this.#epoch };
        await this.#delete([{ ...set, files: old }]);
      }
    });
  }

  /** Hands over sealed files: a manifest names them now. */
  take(sets: readonly FileSet[]): void {
    this.#sealed = this.#sealed.filter((set) => !sets.includes(set));
    this.#restarted = true;
  }

  /** Leaves everything as it is, also open files: a manifest may name them. */
  abandon(): void {
    this.#sealed = [];
    this.#loose = [];
  }

  /** Drops open files. */
  async dispose(): Promise<void> {
    await this.#next(async () => {
      await this.#writer?.[Symbol.asyncDispose]();
      this.#writer = undefined;
      await this.#changeWriter?.[Symbol.asyncDispose]();
      this.#changeWriter = undefined;
    });
  }

  /** How the data files of this table are written. */
  writerOptions(schema: Schema): TableWriterOptions {
    const { store, format, pipeline, emit } = this.#context;
    return {
      store,
      directory: this.directory,
      table: this.name,
      place: (id, partition) => format.place(id, partition),
      partitionBy: this.plan.partitionBy,
      schema,
      budget: this.#options.budget,
      keyValueMetadata: {
        "alluvium.pipeline": pipeline.pipeline,
        "alluvium.lane": pipeline.lane,
        "alluvium.table": this.target.tableId,
      },
      newId: () => crypto.randomUUID(),
      emit,
    };
  }

  async #grow(next: Schema): Promise<void> {
    const standing = this.#standing;
    const fixed = standing && compareSchemas(standing, next);
    if (fixed?.change === "widened")
      throw new AlluviumError(
        "ALV_SCHEMA_CONFLICT",
        `column ${fixed.column} of table ${this.name} changed its type after it was committed`,
        { resource: this.name },
      );
    // Also of a table that is there already: columns that are new since its last load may still widen.
    if (compareSchemas(this.schema, next).change !== "compatible") {
      // Closed here so that every set of files has one epoch; they are not sealed by this.
      await this.#close();
      this.#epoch += 1;
    }
    this.#context.format.check?.(this.name, plannedSchema(this.plan, next), this.plan.partitionBy);
    this.schema = next;
  }

  async #close(): Promise<void> {
    // Rows that became data files were all written before the first changes.
    const rows = (await this.#writer?.seal()) ?? [];
    const changes = (await this.#changeWriter?.seal()) ?? [];
    const stretch = { stretch: this.#stretch };
    const files = [...rows, ...changes.map((file) => ({ ...file, changes: stretch }))];
    if (files.length > 0) this.#loose.push({ files, epoch: this.#epoch, written: this.#begun! });
    this.#begun = undefined;
  }

  /** When nothing is left of the changes, rows may become data files again, and ordinals begin anew. */
  async #forgetChanges(): Promise<void> {
    if (this.#changeWriter === undefined || this.#begun !== undefined) return;
    if ([...this.#sealed, ...this.#loose].some(({ files }) => files.some((file) => file.changes))) return;
    await this.#changeWriter[Symbol.asyncDispose]();
    this.#changeWriter = undefined;
  }

  async #delete(sets: readonly FileSet[]): Promise<void> {
    const paths = sets.flatMap(({ files }) => files.map(({ staged }) => `${this.directory}/${staged}`));
    if (paths.length > 0) await this.#context.store.delete(paths);
  }

  /** One call after another: a table writer takes no two at once. */
  #next<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(call);
    this.#last = result.catch(() => {});
    return result;
  }
}
