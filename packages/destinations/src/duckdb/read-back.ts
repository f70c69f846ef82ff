import type { Pipeline, SourceTables } from "@alluvium/core";
import type { Kysely } from "kysely";
import type { ReadBack } from "../sql/read-back.ts";
import { readKysely, type ReadConnection } from "../sql/read-kysely.ts";
import { openConnection } from "./connect.ts";
import { destinations } from "./destinations.ts";
import { loadDriver, type DuckDBParameter } from "./driver.ts";
import { duckdbError } from "./errors.ts";
import { checkOptions, type CheckedOptions } from "./options.ts";
import { userValue } from "./read-values.ts";

/** What {@link database} gives for values: integers of 64 bits are bigints, whether rows had numbers or not. */
interface Values {
  readonly number: number | bigint;
  readonly bigint: bigint;
  readonly date: Date;
  readonly nested: "columns";
}

/**
 * The tables that a pipeline loads into DuckDB, as Kysely takes them. A column that may be absent is `null`; a `number` may come back as a
 * bigint, because integers are stored with 64 bits unless a hint says otherwise; a `Date` has milliseconds.
 *
 * Names are those of the default naming. Resources that are named otherwise need an interface of your own.
 */
export type DatabaseOf<Load> = ReadBack<Load, Values>;

/**
 * Opens the database that a pipeline loads into, to be read with Kysely, typed by the pipeline's resources. Dispose of it (`await using`, or
 * `destroy()`): while a file is open here, no other process can write it.
 *
 * Throws `ALV_CONFIG` for a pipeline whose destination is no {@link duckdb}.
 *
 * @example
 * ```ts
 * const load = pipeline({ name: "shop", source: shop, destination: duckdb({ path: "./shop.duckdb" }) });
 * await load.run();
 * await using db = await database(load);
 * const rows = await db.selectFrom("_alv_loads").selectAll().execute();
 * ```
 */
export async function database<Tables extends SourceTables>(
  load: Pipeline<Tables>,
): Promise<Kysely<DatabaseOf<Pipeline<Tables>>>> {
  const checked = checkOptions(destinations.of(load));
  const db = await readKysely<DatabaseOf<Pipeline<Tables>>>(() => openForReading(checked));
  return checked.schema === "main" ? db : db.withSchema(checked.schema);
}

async function openForReading(options: CheckedOptions): Promise<ReadConnection> {
  const owned = await openConnection(options, { signal: new AbortController().signal, leaseWait: 0 });
  const { connection } = owned;
  const run = async (sql: string): Promise<void> => {
    await connection.run(sql);
  };
  return {
    async query(sql, parameters) {
      const values: unknown[] = [];
      for (const value of parameters) values.push(await parameterOf(value));
      try {
        const result = await connection.run(sql, values as DuckDBParameter[]);
        const [names, types] = [result.columnNames(), result.columnTypes()];
        const rows = (await result.getRows()).map((row) =>
          Object.fromEntries(names.map((name, i) => [name, userValue(row[i], types[i] as never)])),
        );
        return { rows, numAffectedRows: BigInt(result.rowsChanged) };
      } catch (error) {
        throw duckdbError(error, "read");
      }
    },
    begin: () => run("begin transaction"),
    run,
    close: () => owned.close(),
  };
}

/** Values that DuckDB's driver does not take as they are. */
async function parameterOf(value: unknown): Promise<unknown> {
  if (!(value instanceof Date) && !(value instanceof Uint8Array)) return value;
  const { DuckDBTimestampTZValue, DuckDBBlobValue } = await loadDriver();
  return value instanceof Date
    ? new DuckDBTimestampTZValue(BigInt(value.getTime()) * 1000n)
    : new DuckDBBlobValue(value);
}
