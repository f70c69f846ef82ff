import type { Pipeline, SourceTables } from "@alluvium/core";
import type { Kysely } from "kysely";
import type { ReadBack } from "../sql/read-back.ts";
import { readKysely, type ReadConnection } from "../sql/read-kysely.ts";
import { createConnector } from "./connect.ts";
import { destinations } from "./destinations.ts";
import { checkOptions, type CheckedOptions } from "./options.ts";
import { parameterText, userValue } from "./read-values.ts";
import { identifier } from "./sql.ts";

/** What {@link database} gives for values: integers of 64 bits are bigints, whether rows had numbers or not. */
interface Values {
  readonly number: number | bigint;
  readonly bigint: bigint;
  readonly date: Date;
  readonly nested: "json";
}

/**
 * The tables that a pipeline loads into PostgreSQL, as Kysely takes them. A column that may be absent is `null`; a `number` may come back as a
 * bigint, because integers are stored with 64 bits unless a hint says otherwise; a `Date` has milliseconds; decimals, dates and times are text.
 * Structs, maps, and lists of anything but scalars are JSON: dates and bytes in them are text, maps are objects, integers that no number holds
 * are bigints.
 *
 * Names are those of the default naming. Resources that are named otherwise need an interface of your own.
 */
export type DatabaseOf<Load> = ReadBack<Load, Values>;

/**
 * Opens the database that a pipeline loads into, to be read with Kysely, typed by the pipeline's resources. It has one connection, which is
 * opened with the first query; with the option `client` it is that client, which no run may use at the same time. Names without a schema are
 * of the destination's. Dispose of it (`await using`, or `destroy()`).
 *
 * Throws `ALV_CONFIG` for a pipeline whose destination is no {@link postgres}.
 *
 * @example
 * ```ts
 * const load = pipeline({ name: "shop", source: shop, destination: postgres({ url: env("WAREHOUSE_URL") }) });
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
  return db.withSchema(checked.schema);
}

async function openForReading(options: CheckedOptions): Promise<ReadConnection> {
  const connection = await createConnector(options).open(new AbortController().signal);
  const call = { step: "read" };
  const run = async (sql: string): Promise<void> => {
    await connection.query(sql, [], call);
  };
  const close = (): Promise<void> => connection[Symbol.asyncDispose]();
  try {
    // For raw SQL; loads themselves name the schema of all they touch.
    await run(`set session search_path to ${identifier(options.schema)}`);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async query(sql, parameters) {
      const { rows, types, changed } = await connection.query(sql, parameters.map(parameterText), call);
      return {
        rows: rows.map((row) =>
          Object.fromEntries(
            Object.entries(row).map(([name, text]) => [name, userValue(text, types.get(name)!)]),
          ),
        ),
        numAffectedRows: BigInt(changed),
      };
    },
    async begin({ isolationLevel, accessMode }) {
      await run(
        ["begin", isolationLevel && `isolation level ${isolationLevel}`, accessMode]
          .filter(Boolean)
          .join(" "),
      );
    },
    run,
    close,
  };
}
