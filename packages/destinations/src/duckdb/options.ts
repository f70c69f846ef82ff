import { AlluviumError } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import * as z from "zod";
import type { DuckDBConnection, DuckDBInstance } from "./driver.ts";

/** Options of {@link duckdb}: one of `path`, `instance`, `connection` and `connect`, and where tables and staged rows go. */
export interface DuckDBOptions {
  /**
   * The database file, made where it is missing. It is opened for each run and closed after it; one process at a time can have it open.
   * Where this process has opened it by other means than us, pass the `instance`: DuckDB does not notice a file that one process opens twice.
   */
  readonly path?: string;
  /** An open database (`DuckDBInstance` of `@duckdb/node-api`), also one in memory. It stays open. */
  readonly instance?: DuckDBInstance;
  /** A connection of yours. It must not be in a transaction, nor used by others while a pipeline runs; it stays open. */
  readonly connection?: DuckDBConnection;
  /** Makes a connection for each run; it is closed after it. */
  readonly connect?: () => DuckDBConnection | Promise<DuckDBConnection>;
  /** The schema of the tables; it must be there. @default "main" */
  readonly schema?: string;
  /** Settings of DuckDB for a database that is opened by `path`, such as `memory_limit` and `threads`. @default its own, but that extensions are neither installed nor loaded by themselves */
  readonly config?: Readonly<Record<string, string>>;
  /** A folder for rows that are staged, as Parquet files, until their load is committed. @default beside the database file, else the system's temporary folder */
  readonly staging?: string;
}

const text = z.string("must be a text").min(1, "must not be empty");
const shape = z.strictObject({
  path: text.optional(),
  instance: z
    .custom<DuckDBInstance>((value) => hasMethod(value, "connect"), "must be a DuckDBInstance")
    .optional(),
  connection: z
    .custom<DuckDBConnection>((value) => hasMethod(value, "run"), "must be a DuckDBConnection")
    .optional(),
  connect: z
    .custom<NonNullable<DuckDBOptions["connect"]>>(
      (value) => typeof value === "function",
      "must be a function that gives a DuckDBConnection",
    )
    .optional(),
  schema: text.default("main"),
  config: z.record(z.string(), z.string("must be a text"), "must be an object of texts").optional(),
  staging: text.optional(),
});

/** Options after checking. */
export interface CheckedOptions extends DuckDBOptions {
  readonly schema: string;
}

/** Checks options. Throws `ALV_CONFIG` naming the option, the value and what is accepted. */
export function checkOptions(options: unknown): CheckedOptions {
  const checked = shape.safeParse(options, { reportInput: true });
  if (!checked.success) {
    const problems = checked.error.issues.map((issue) => {
      if (issue.code === "unrecognized_keys")
        return `there is no option ${issue.keys.join(", ")}; there are ${Object.keys(shape.shape).join(", ")}`;
      const path = issue.path.join(".");
      if (path === "")
        return `the options are ${describeValue(options)}; give an object such as { path: "./shop.duckdb" }`;
      return `${path} is ${describeValue(issue.input)}; it ${issue.message}`;
    });
    throw refused(problems.join("; "));
  }
  const { path, instance, connection, connect, config } = checked.data;
  const ways = { path, instance, connection, connect };
  const given = Object.entries(ways).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length !== 1)
    throw refused(
      `${given.length === 0 ? "none" : given.join(" and ")} of path, instance, connection and connect is given; give one`,
    );
  if (path?.startsWith(":memory:") === true)
    throw refused(
      `path is ${JSON.stringify(path)}: a database in memory would be gone after each run; open one and pass it as \`instance\``,
    );
  if (config !== undefined && path === undefined)
    throw refused("config is for databases that are opened by `path`; set it where yours is opened");
  return checked.data as CheckedOptions;
}

function refused(why: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `duckdb: ${why}`, { step: "open" });
}

function hasMethod(value: unknown, name: string): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Readonly<Record<string, unknown>>)[name] === "function"
  );
}
