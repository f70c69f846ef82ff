import { AlluviumError } from "@alluvium/core";
import { tableDirectory } from "../lake/paths.ts";

/** What {@link createExternalTable} makes a text for. */
export interface ExternalTable {
  /** Name of the table in the lake. */
  readonly table: string;
  /** The address of the lake, such as `s3://bucket/prefix`. */
  readonly url: string;
  /** Name of the database (schema) in the catalog. @default that of the connection */
  readonly database?: string;
  /** Whose spelling. @default "athena" */
  readonly engine?: "athena" | "spark" | "trino";
}

/**
 * The statement that makes a catalog know a table of a lake, for catalogs that nobody registers tables in by themselves. Columns are in no spelling: the
 * engines read them from the table's log. The texts are written from the documentation of the engines; that of Spark is run by a test, those of Athena and
 * Trino are unverified.
 *
 * Sources: https://docs.aws.amazon.com/athena/latest/ug/delta-lake-tables-getting-started.html,
 * https://trino.io/docs/current/connector/delta-lake.html#register-table
 *
 * @throws `ALV_CONFIG` without a table, or with an address that the engine cannot have.
 *
 * @example
 * ```ts
 * const text = createExternalTable({ url: "s3://my-lake/bronze", table: "orders", database: "bronze" });
 * ```
 */
export function createExternalTable({ table, url, database, engine = "athena" }: ExternalTable): string {
  if (table === "") throw new AlluviumError("ALV_CONFIG", "createExternalTable: table is empty");
  if (engine === "athena" && !url.startsWith("s3://"))
    throw new AlluviumError("ALV_CONFIG", `createExternalTable: Athena reads s3:// addresses, not ${url}`);
  const location = text(`${url.replace(/\/+$/, "")}/${tableDirectory(table)}`);
  if (engine === "trino") {
    const parts = [
      ...(database === undefined ? [] : [`schema_name => ${text(database)}`]),
      `table_name => ${text(table)}`,
      `table_location => ${location}`,
    ];
    return `CALL system.register_table(${parts.join(", ")})`;
  }
  const name = [database, table]
    .filter((part) => part !== undefined)
    .map((part) => `\`${part.replaceAll("`", "``")}\``)
    .join(".");
  return engine === "spark"
    ? `CREATE TABLE IF NOT EXISTS ${name} USING DELTA LOCATION ${location}`
    : `CREATE EXTERNAL TABLE IF NOT EXISTS ${name} LOCATION ${location} TBLPROPERTIES ('table_type' = 'DELTA')`;

  /** Spark takes a backslash for an escape, and a quote after one. */
  function text(value: string): string {
    return engine === "spark"
      ? `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
      : `'${value.replaceAll("'", "''")}'`;
  }
}
