import type {
  ContractOption,
  QuarantineLimits,
  AbilityOfDisposition,
  Credential,
  CursorColumnOf,
  DerivedPartition,
  DispositionOption,
  Duration,
  Naming,
} from "@alluvium/core";
import { AlluviumError } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import * as z from "zod";

/** A connected client of the package `pg`, of any version: `new pg.Client(…)` after `connect()`, or one of a pool. */
export interface PostgresClient {
  /** Runs a query. */
  query: (...query: never[]) => unknown;
  /** Closes the connection. */
  end?: () => unknown;
}

/** How the server is reached: exactly one of `url`, `client`, `connect`. */
export interface PostgresConnectionOptions {
  /**
   * Connection string: `postgres://user:password@host:5432/database?sslmode=require`. TLS is verified whenever it is used, `sslmode=require`
   * included; `no-verify` trusts any server; without `sslmode` there is no TLS. Asked for at each connection.
   */
  readonly url?: Credential;
  /** Password, where it is not part of the url. Asked for at each connection (rotation). */
  readonly password?: Credential;
  /** One connection of yours. Everything is read over it, one table after the other; it is left open. */
  readonly client?: PostgresClient;
  /** Makes a connection; called once for each that is needed. Clients of a pool are given back, others ended. */
  readonly connect?: () => PostgresClient | Promise<PostgresClient>;
  /** How many connections read at once, besides the one that holds the snapshot. @default 4 */
  readonly connections?: number;
  /** Milliseconds to wait for a connection. @default 15 000 */
  readonly connectTimeout?: number;
  /** Milliseconds of silence from the server after which it is given up (`ALV_TIMEOUT`). @default 300 000 */
  readonly idleTimeout?: number;
  /** Milliseconds that one statement may take at the server; 0: as long as it needs. @default 0 */
  readonly statementTimeout?: number;
  /** Milliseconds to wait for a lock on a table that is being altered. @default 30 000 */
  readonly lockTimeout?: number;
}

/** What to do with values that a column's type cannot hold. Given for the source, or for one table. */
export interface PostgresValueOptions {
  /** `numeric` without declared digits, or with more than 38: as text, or as a decimal that holds all values (else `special` decides). @default "text" */
  readonly numeric?: "text" | { readonly precision: number; readonly scale: number };
  /**
   * NaN in `numeric`, infinite dates and timestamps, numbers and timestamps out of range: stop (`ALV_VALUE_UNREPRESENTABLE`), put null in their place, or read
   * all `numeric`, `date` and `timestamp` columns as the server's text. NaN and infinities in `real` and `double precision` are kept. @default "error"
   */
  readonly special?: "error" | "null" | "text";
  /** Arrays as lists of their element (another dimension or lower bound is an error), or as the server's text. @default "list" */
  readonly arrays?: "list" | "text";
}

/** The columns that a cursor can follow; of untyped rows any. */
export type PostgresCursorColumn<Row> = string extends keyof Row ? string : CursorColumnOf<Row>;

/** How a cursor column is followed from run to run. */
export interface PostgresCursorOptions<Row> {
  /** Name of the column. */
  readonly column: PostgresCursorColumn<Row>;
  /** The first run takes rows from this value on. A `Date` counts as UTC. @default all rows */
  readonly initial?: Date | string | number | bigint;
  /**
   * An append takes rows only below the greatest value less this; a merge reads again from the cursor less this: a time span for dates and
   * timestamps, a number for numbers. Without it a time cursor stays behind transactions that are open (see the README), and other
   * cursors wait for them.
   */
  readonly lag?: Duration | number | bigint;
  /** Sort by the cursor, so that each batch is a point to resume from. Costs the server a sort where no index helps. @default none */
  readonly order?: "ascending";
  /** Rows without a value: load them (an append each of them once), leave them out, or stop. @default "error" */
  readonly nulls?: "include" | "exclude" | "error";
  /** Where the clocks that write a `timestamp` or `date` cursor stand. @default the server's TimeZone */
  readonly timeZone?: string;
}

/** Options of one table, view or query. */
export interface PostgresTableOptions<Row = Record<string, unknown>> extends PostgresValueOptions {
  /** @default the primary key in the catalogue */
  readonly primaryKey?: (keyof Row & string) | readonly (keyof Row & string)[];
  /** The column that is followed from run to run. @default none: every run reads all */
  readonly cursor?: PostgresCursorColumn<Row> | PostgresCursorOptions<Row>;
  /** What happens to the rows at the destination. @default "append" with a cursor, "replace" without */
  readonly disposition?: DispositionOption<Row>;
  /** Columns to read. @default all */
  readonly select?: readonly (keyof Row & string)[];
  /** A condition in SQL for the rows to read. It is part of what the cursor is bound to. @default none */
  readonly where?: string;
  /** Name of the table at the destination. @default the name, with `_` for the point of `schema.table` */
  readonly as?: string;
  /** How columns are spelled at the destination. @default "snake" */
  readonly naming?: Naming;
  /** What happens where rows bring what the table does not have. @default "evolve" */
  readonly contract?: ContractOption;
  /** How much of the table may be refused into its quarantine before the run is stopped. @default no limit */
  readonly quarantine?: QuarantineLimits;
  /** Columns, or parts of dates (`day("created_at")`), by which files are partitioned. @default none */
  readonly partitionBy?: readonly ((keyof Row & string) | DerivedPartition<keyof Row & string>)[];
}

/** A query that is read like a table. */
export interface PostgresQueryOptions<Row = Record<string, unknown>> extends PostgresTableOptions<Row> {
  /** One SELECT, without parameters. It runs read-only, under the snapshot of the run. */
  readonly sql: string;
}

/** Options of {@link postgres} but those that carry types. */
export interface PostgresOptions extends PostgresConnectionOptions, PostgresValueOptions {
  /** Where tables without a schema in their name are. @default "public" */
  readonly schema?: string;
  /** What happens where rows bring what their tables do not have, for what tables do not say themselves. @default "evolve" */
  readonly contract?: ContractOption;
  /** Names and patterns (`*`, `?`) to leave out. @default none */
  readonly exclude?: readonly string[];
  /** Whether `tables` omitted, and patterns, mean views and materialised views too. @default false */
  readonly views?: boolean;
  /** Read although row-level security may hide rows: what the policies show is then taken for all. @default false */
  readonly rowSecurity?: boolean;
  /** Milliseconds that transactions in flight are waited for where a cursor needs it. @default 30 000 */
  readonly settleTimeout?: number;
}

/** What a table's options ask of a destination. */
export type AbilityOfTable<Options> = Options extends {
  readonly disposition: infer Disposition extends DispositionOption;
}
  ? AbilityOfDisposition<Disposition>
  : Options extends { readonly cursor: unknown }
    ? "append"
    : "replace";

/** All options, as they are checked at open. */
export interface CheckedOptions extends PostgresOptions {
  readonly tables?: readonly string[] | Readonly<Record<string, PostgresTableOptions>>;
  readonly queries?: Readonly<Record<string, PostgresQueryOptions>>;
}

const milliseconds = z.int().min(0).max(2_147_483_647);
const valueOptions = {
  numeric: z
    .union(
      [
        z.literal("text"),
        z
          .strictObject({ precision: z.int().min(1).max(38), scale: z.int().min(0) })
          .refine(({ precision, scale }) => scale <= precision, "scale must not exceed precision"),
      ],
      'must be "text" or { precision, scale }',
    )
    .optional(),
  special: z.enum(["error", "null", "text"]).optional(),
  arrays: z.enum(["list", "text"]).optional(),
};
const duration = z.strictObject({
  days: z.number().optional(),
  hours: z.number().optional(),
  minutes: z.number().optional(),
  seconds: z.number().optional(),
  milliseconds: z.number().optional(),
});
const tableOptions = {
  ...valueOptions,
  primaryKey: z
    .union([z.string(), z.array(z.string()).min(1)], "must be a column, or a list of columns")
    .optional(),
  cursor: z
    .union([
      z.string(),
      z.strictObject({
        column: z.string(),
        initial: z
          .union(
            [z.date(), z.string(), z.number(), z.bigint()],
            "must be a valid Date, a text, a number or a bigint",
          )
          .optional(),
        lag: z
          .union(
            [z.number().min(0), z.bigint().min(0n), duration],
            "must be a number from 0 on, or a span such as { minutes: 5 }",
          )
          .optional(),
        order: z.literal("ascending").optional(),
        nulls: z.enum(["include", "exclude", "error"]).optional(),
        timeZone: z.string().optional(),
      }),
    ])
    .optional(),
  disposition: z.unknown().optional(),
  select: z.array(z.string()).min(1).optional(),
  where: z.string().min(1).optional(),
  as: z.string().min(1).optional(),
  naming: z.unknown().optional(),
  contract: z.unknown().optional(),
  quarantine: z.unknown().optional(),
  partitionBy: z.unknown().optional(),
};
const optionsSchema = z.strictObject({
  ...valueOptions,
  contract: z.unknown().optional(),
  url: z.unknown().optional(),
  password: z.unknown().optional(),
  client: z.unknown().optional(),
  connect: z.unknown().optional(),
  database: z.unknown().optional(),
  connections: z.int().min(1).max(64).optional(),
  connectTimeout: milliseconds.optional(),
  idleTimeout: milliseconds.min(1).optional(),
  statementTimeout: milliseconds.optional(),
  lockTimeout: milliseconds.optional(),
  settleTimeout: milliseconds.optional(),
  schema: z.string().min(1).optional(),
  tables: z
    .union(
      [z.array(z.string()), z.record(z.string(), z.strictObject(tableOptions))],
      "must be a list of names, or a record of options by name",
    )
    .optional(),
  queries: z.record(z.string(), z.strictObject({ ...tableOptions, sql: z.string().min(1) })).optional(),
  exclude: z.array(z.string()).optional(),
  views: z.boolean().optional(),
  rowSecurity: z.boolean().optional(),
});

/** Checks options; throws `ALV_CONFIG` naming the option, its value and what is accepted. Never repeats `url` or `password`. */
export function checkOptions(options: CheckedOptions): void {
  const result = optionsSchema.safeParse(options, { reportInput: true });
  if (result.success) return;
  const problems = result.error.issues.flatMap((issue) => describeIssue(issue, []));
  throw new AlluviumError("ALV_CONFIG", `postgres: ${problems.map(({ text }) => text).join("; ")}`, {
    step: "open",
  });
}

interface Problem {
  readonly depth: number;
  readonly text: string;
}

/** What is wrong. Of a choice only the alternative that the value comes closest to. */
function describeIssue(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): readonly Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    const branches = issue.errors.map((errors) => errors.flatMap((each) => describeIssue(each, path)));
    const depth = (problems: readonly Problem[]): number => Math.max(0, ...problems.map((one) => one.depth));
    const deepest = Math.max(...branches.map(depth));
    if (deepest > path.length) return branches.find((problems) => depth(problems) === deepest)!;
  }
  const name = path.map(String).join(".");
  if (name === "" && issue.code === "invalid_type")
    return [{ depth: 0, text: 'the options must be an object, such as { url: env("DATABASE_URL") }' }];
  const isKey = issue.code === "unrecognized_keys" || path.length === 0;
  const value = isKey ? "" : ` is ${describeValue(issue.input)}`;
  return [
    {
      depth: path.length + (issue.code === "unrecognized_keys" ? 1 : 0),
      text: `${name}${value}${name === "" ? "" : ": "}${issue.message}`,
    },
  ];
}
