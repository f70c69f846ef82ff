import { AlluviumError, type Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { createCalendar } from "./calendar.ts";
import { createCatalogue } from "./catalogue.ts";
import { createLife } from "./life.ts";
import { settle, type WorldOptions } from "./options.ts";
import { orderMaker } from "./order.ts";
import { createPeople } from "./people.ts";
import { createPools } from "./pools.ts";
import { collectRows } from "./rows.ts";
import { tableModels, type TableModel, type TableName } from "./tables.ts";

/**
 * A shop that is the same wherever and whenever it is made: every row is a pure function of the options and its key. Any part can be
 * made alone – some customers, some days – and fits the rest: no order without its customer, none before it.
 */
export interface World {
  /** Names of the tables, parents before children. */
  readonly tables: readonly TableName[];
  /** A table as it is in the end (`to`). */
  table(name: TableName): WorldTable;
  /**
   * What happens after `from` and until `to`: batches with `changes`, parents before children. Rows are as they stand at `to`; a row that
   * changed several times in the window comes once.
   */
  changes(from: Date, to: Date): AsyncIterable<{ readonly table: TableName; readonly batch: Batch }>;
}

/** A table of a {@link World}. */
export interface WorldTable {
  /** Name of the table. */
  readonly name: TableName;
  /** Its columns. */
  readonly schema: Schema;
  /** Columns of its key. */
  readonly primaryKey: readonly string[];
  /** The column that grows with new rows, for loading by cursor. */
  readonly cursor: string | undefined;
  /**
   * How many owners the rows belong to: products for `products`, customers for all else. A range is one of owners, so that any division
   * into ranges gives the same rows in the same order.
   */
  readonly owners: number;
  /** Rows of the owners in [`start`, `end`), in batches. @default all owners */
  range(start?: number, end?: number): AsyncIterable<Batch>;
  /** The table as it was at a time. */
  asOf(time: Date): WorldTable;
}

const BATCH_ROWS = 16_384;
const NAMES: readonly TableName[] = ["customers", "products", "orders", "order_items", "payments"];

/**
 * Makes a world. Cheap: nothing but word lists and tables of weights is computed before rows are asked for.
 *
 * @example
 * ```ts
 * const world = createWorld({ seed: 7, customers: 1_000 });
 * for await (const batch of world.table("orders").asOf(new Date("2026-01-01")).range(0, 100)) console.log(batch.length);
 * ```
 */
export function createWorld(options: WorldOptions = {}): World {
  const settings = settle(options);
  const pools = createPools();
  const catalogue = createCatalogue(settings, pools);
  const life = createLife(settings, createCalendar(settings.seed));
  const models = tableModels({
    customers: settings.customers,
    life,
    catalogue,
    person: createPeople(settings, pools, life),
    order: orderMaker(settings.seed, catalogue),
  });

  const model = (name: TableName): TableModel => {
    const found = Object.hasOwn(models, name) ? models[name] : undefined;
    if (!found)
      throw new AlluviumError(
        "ALV_CONFIG",
        `the world has no table ${JSON.stringify(name)}; it has ${NAMES.join(", ")}`,
      );
    return found;
  };
  const tableAt = (name: TableName, until: number): WorldTable => {
    const { schema, primaryKey, cursor, owners } = model(name);
    return {
      name,
      schema,
      primaryKey,
      cursor,
      owners,
      range: (start = 0, end = owners) => batches(models[name], start, end, -Infinity, until, false),
      asOf: (time) => tableAt(name, time.getTime()),
    };
  };
  return {
    tables: NAMES,
    table: (name) => tableAt(name, settings.to),
    async *changes(from, to) {
      for (const table of NAMES)
        for await (const batch of batches(
          models[table],
          0,
          models[table].owners,
          from.getTime(),
          to.getTime(),
          true,
        ))
          yield { table, batch };
    },
  };
}

async function* batches(
  model: TableModel,
  start: number,
  end: number,
  after: number,
  until: number,
  changes: boolean,
): AsyncGenerator<Batch> {
  if (!(start >= 0 && end <= model.owners && start <= end))
    throw new AlluviumError("ALV_CONFIG", `range ${start}–${end} does not lie in 0–${model.owners}`);
  const rows = collectRows(model.schema);
  for (let owner = start; owner < end; owner++) {
    model.emit(owner, after, until, rows.put);
    if (rows.length >= BATCH_ROWS) yield rows.take(changes);
  }
  if (rows.length > 0) yield rows.take(changes);
}
