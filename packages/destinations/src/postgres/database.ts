import { AlluviumError, type Capabilities, type OpenContext } from "@alluvium/core";
import {
  CommitUnknownError,
  type SqlConnection,
  type SqlDatabase,
  type SqlRow,
  type SqlValue,
} from "../sql/engine.ts";
import { lockNumber } from "./advisory-lock.ts";
import { inspectTable } from "./catalogue.ts";
import { createConnector, type Connector } from "./connect.ts";
import type { PgConnection, StatementResult } from "./connection.ts";
import { IDENTIFIER_BYTES, postgresDialect } from "./dialect.ts";
import { refusalOf } from "./errors.ts";
import { takeLease, type Lease } from "./lease.ts";
import { checkOptions, type CheckedOptions, type PostgresOptions } from "./options.ts";
import { scanQuery } from "./scan.ts";
import { createStaging, type Staging } from "./segments.ts";
import { replaceConnection } from "./settle.ts";
import { identifier } from "./sql.ts";
import { storedType, widens } from "./types.ts";

/** What PostgreSQL can do, for the planner. */
export const capabilities: Capabilities = {
  abilities: ["append", "replace", "upsert", "insertOnly", "deleteInsert", "scd2"],
  delivery: "exactlyOnce",
  visibility: "load",
  foldsCase: false,
  maxIdentifierLength: IDENTIFIER_BYTES,
  partitions: false,
  releasesBatches: true,
  follows: true,
  storedType,
  widens,
};

/** PostgreSQL as a database for the session that all SQL destinations share. */
export function postgresDatabase(options: PostgresOptions): SqlDatabase {
  return {
    name: "postgres",
    capabilities,
    async connect(context) {
      const checked = checkOptions(options);
      const connector = createConnector(checked);
      const connection = await connector.open(context.signal);
      try {
        await ensureSchema(connection, checked.schema, context);
        return await openConnection(connector, connection, checked);
      } catch (error) {
        await connection[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

/**
 * Begins a load's transaction, with memory for sorts and joins where the server gives less, and with the costs of disks that seek fast: by
 * the server's default, which is for slow ones, it would read a large table whole to find a few rows of it by their keys.
 */
const begin =
  "begin isolation level read committed; " +
  "select set_config('work_mem', '64MB', true) where pg_size_bytes(current_setting('work_mem')) < 67108864; " +
  "select set_config('random_page_cost', '1.1', true) where current_setting('random_page_cost')::float8 > 1.1";

/** Asked first: to create what is there takes a privilege that a loader need not have. */
async function ensureSchema(connection: PgConnection, schema: string, context: OpenContext): Promise<void> {
  const call = { signal: context.signal, step: "open" };
  const { rows } = await connection.query("select 1 from pg_namespace where nspname = $1", [schema], call);
  if (rows.length === 0)
    await connection.query(`create schema if not exists ${identifier(schema)}`, [], call);
}

async function openConnection(
  connector: Connector,
  opened: PgConnection,
  options: CheckedOptions,
): Promise<SqlConnection> {
  const { schema } = options;
  let connection = opened;
  let inTransaction = false;
  let lease: Lease | undefined;
  const staging = createStaging(() => connection, options);
  await staging.claim();

  async function transaction<Result>(work: () => Promise<Result>): Promise<Result> {
    await connection.query(begin);
    inTransaction = true;
    let result: Result;
    try {
      result = await work();
    } catch (error) {
      inTransaction = false;
      if (connection.broken === undefined) await connection.query("rollback").catch(() => {});
      throw error;
    }
    inTransaction = false;
    await commit(connection, options.commitTimeout);
    return result;
  }

  return {
    dialect: postgresDialect({ ...options, version: opened.backend.version }),
    async query({ text, values }, call) {
      return typedRows(await connection.query(text, values, { signal: call?.signal }));
    },
    async execute({ text, values }, call) {
      return (await connection.query(text, values, { signal: call?.signal })).changed;
    },
    scan: (statement, columns, call) =>
      scanQuery(connection, statement, columns, { ...call, hold: !inTransaction }),
    transaction,
    async settle() {
      connection = await replaceConnection(connector, connection, Math.max(options.lockTimeout, 10_000));
      await lease?.renew();
      await staging.claim();
      return { staged: await staging.isWhole() };
    },
    async setUp(statements) {
      try {
        await transaction(async () => {
          // Two that create the same table at once fail, even where each only creates what is missing.
          await connection.query("select pg_advisory_xact_lock($1)", [lockNumber("setUp", schema)]);
          for (const statement of statements) await connection.query(statement, [], { step: "recover" });
        });
      } catch (error) {
        // Whether it holds does not matter: the next session makes what is missing.
        throw error instanceof CommitUnknownError ? error.cause : error;
      }
    },
    sweep: () => staging.sweep(),
    async lease(leaseOptions) {
      lease = await takeLease(() => connection, schema, leaseOptions);
      return lease;
    },
    inspect: (table, call) => inspectTable(connection, schema, table, { lock: call?.lock === true }),
    refusal: (error) => refusalOf(error, schema),
    stage: (columns) => staging.stage(columns, inTransaction),
    async [Symbol.asyncDispose]() {
      await clearStaging(connector, connection, staging, (another) => (connection = another));
      await connection[Symbol.asyncDispose]();
    },
  };
}

/** Milliseconds that are spent on cleaning up after a connection that broke; what stays is swept by the next run. */
const CLEANING = 5000;

async function clearStaging(
  connector: Connector,
  connection: PgConnection,
  staging: Staging,
  use: (connection: PgConnection) => void,
): Promise<void> {
  try {
    if (connection.broken !== undefined) {
      if (connector.single) return;
      use(await connector.open(AbortSignal.timeout(CLEANING)));
      await connection[Symbol.asyncDispose]();
    } else await connection.query("rollback");
    await staging.clear();
  } catch {
    // The next run sweeps.
  }
}

/** Commits. An answer that does not come is {@link CommitUnknownError}. */
async function commit(connection: PgConnection, patience: number): Promise<void> {
  const timer = setTimeout(
    () => connection.destroy(new Error("Connection terminated: no answer to COMMIT in commitTimeout")),
    patience,
  );
  try {
    const { command } = await connection.query("commit", [], { step: "commit" });
    if (command === "COMMIT") return;
  } catch (error) {
    if (connection.broken === undefined) throw error;
    throw new CommitUnknownError("the answer to COMMIT was lost", { cause: error });
  } finally {
    clearTimeout(timer);
  }
  throw new AlluviumError(
    "ALV_INTERNAL",
    "a transaction was to be committed although a statement of it had failed: it was rolled back",
    { step: "commit" },
  );
}

const BOOLEAN = 16;
const INTEGERS = new Set([20, 21, 23]);
const FLOATS = new Set([700, 701]);

function typedRows({ rows, types }: StatementResult): readonly SqlRow[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, text]) => [name, valueOf(text, types.get(name))])),
  );
}

function valueOf(text: string | null, type: number | undefined): SqlValue {
  if (text === null || type === undefined) return text;
  if (type === BOOLEAN) return text === "t";
  if (FLOATS.has(type)) return Number(text);
  if (!INTEGERS.has(type)) return text;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
