import { AlluviumError, type Credential } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import * as z from "zod";

/** A connected client of the package `pg`, of any version: `new pg.Client(…)` after `connect()`, or one of a pool. */
export interface PostgresClient {
  /** Runs a query. */
  query: (...query: never[]) => unknown;
  /** Closes the connection. */
  end?: () => unknown;
}

/** Options of {@link postgres}: how the server is reached (exactly one of `url`, `client`, `connect`), and how tables are written. */
export interface PostgresOptions {
  /**
   * Connection string: `postgres://user:password@host:5432/database?sslmode=require`. TLS is verified whenever it is used, `sslmode=require`
   * included; `no-verify` trusts any server; without `sslmode` there is no TLS. Asked for at each connection.
   */
  readonly url?: Credential;
  /** Password, where it is not part of the url. Asked for at each connection (rotation). */
  readonly password?: Credential;
  /**
   * One connection of yours, outside of a transaction. Everything is written over it and it is left open. When it breaks at a commit, only
   * the next run can find out whether the commit holds.
   */
  readonly client?: PostgresClient;
  /** Makes a connection; called for each that is needed. Clients of a pool are given back, others ended. */
  readonly connect?: () => PostgresClient | Promise<PostgresClient>;
  /** The schema that tables are written to; created where it is missing. @default "public" */
  readonly schema?: string;
  /** The type of JSON columns, structs and maps: `jsonb` drops white space, the order of keys and repeated ones; `json` keeps the text. @default "jsonb" */
  readonly json?: "jsonb" | "json";
  /** Milliseconds to wait for a connection. @default 15 000 */
  readonly connectTimeout?: number;
  /** Milliseconds that one statement may take at the server; 0: as long as it needs. @default 0 */
  readonly statementTimeout?: number;
  /** Milliseconds to wait for a lock that others hold (`ALV_TABLE_CONFLICT`); 0: as long as it takes. @default 30 000 */
  readonly lockTimeout?: number;
  /** Milliseconds to wait for the answer to a COMMIT before it is settled over another connection. @default 60 000 */
  readonly commitTimeout?: number;
}

/** Options after checking. */
export interface CheckedOptions {
  readonly url: Credential | undefined;
  readonly password: Credential | undefined;
  readonly client: PostgresClient | undefined;
  readonly connect: (() => PostgresClient | Promise<PostgresClient>) | undefined;
  readonly schema: string;
  readonly json: "jsonb" | "json";
  readonly connectTimeout: number;
  readonly statementTimeout: number;
  readonly lockTimeout: number;
  readonly commitTimeout: number;
}

const milliseconds = z
  .int("must be a whole number of milliseconds")
  .min(0, "must not be negative")
  .max(2_147_483_647, "must be at most 2 147 483 647");
const shape = z.strictObject({
  url: z.unknown().optional(),
  password: z.unknown().optional(),
  client: z.unknown().optional(),
  connect: z
    .custom<PostgresOptions["connect"]>((value) => typeof value === "function", "must be a function")
    .optional(),
  schema: z.string("must be the name of a schema").min(1, "must not be empty").default("public"),
  json: z.enum(["jsonb", "json"], 'must be "jsonb" or "json"').default("jsonb"),
  connectTimeout: milliseconds.default(15_000),
  statementTimeout: milliseconds.default(0),
  lockTimeout: milliseconds.default(30_000),
  commitTimeout: milliseconds.min(1, "must be at least 1").default(60_000),
});

/** Checks options; throws `ALV_CONFIG` naming the option, its value and what is accepted. Never repeats `url` or `password`. */
export function checkOptions(options: PostgresOptions): CheckedOptions {
  const checked = shape.safeParse(options, { reportInput: true });
  if (!checked.success) {
    const problems = checked.error.issues.map((issue) => {
      if (issue.code === "unrecognized_keys")
        return `there is no option ${issue.keys.join(", ")}; there are ${Object.keys(shape.shape).join(", ")}`;
      const path = issue.path.join(".");
      if (path === "") return 'the options must be an object, such as { url: env("DATABASE_URL") }';
      return `${path} is ${describeValue(issue.input)}; it ${issue.message}`;
    });
    throw refused(problems.join("; "));
  }
  const { url, client, connect } = options;
  const given = [url, client, connect].filter((option) => option !== undefined).length;
  if (given !== 1)
    throw refused(
      `${given === 0 ? "none" : "several"} of url, client and connect ${given === 0 ? "is" : "are"} given; one is needed`,
    );
  if (/^pg_/i.test(checked.data.schema))
    throw refused(
      `schema is ${describeValue(checked.data.schema)}; names that begin with pg_ belong to the server`,
    );
  return { ...checked.data, url, password: options.password, client, connect };
}

function refused(problem: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `postgres: ${problem}`, { step: "open" });
}
