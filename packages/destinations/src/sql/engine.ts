import type { Capabilities, OpenContext, Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import type { SqlDialect } from "./dialect.ts";

/**
 * What a database is to the session that all SQL destinations share (`openSqlSession`): the session knows loads, dispositions, state and
 * who owns a table; a database knows how to talk to its server, how to take many rows at once, and how SQL is spelled there.
 */
export interface SqlDatabase {
  /** For messages: `duckdb`. */
  readonly name: string;
  /** Of the destination. `storedType` makes the mapping of types to the database's injective: what `inspect` reads is what was asked for. */
  readonly capabilities: Capabilities;
  /** Opens a connection for one session. Options are checked and drivers imported here. */
  connect(context: OpenContext): Promise<SqlConnection>;
}

/**
 * One connection. The session never has two calls under way at once, those of segments included. Disposing gives it back with all
 * that is staged on it, and closes it if it was opened here.
 *
 * Errors are `AlluviumError`: `ALV_CONNECTION` where the connection broke, `ALV_AUTH`, `ALV_STORE_FULL`, `ALV_TABLE_CONFLICT` where another
 * transaction got in the way (a serialization failure, a deadlock, a row that both changed, a lock that did not come in time), else
 * `ALV_STORE_FAILED` that is not retryable, with the database's message and its error as the cause. Values never are in messages of ours.
 */
export interface SqlConnection extends AsyncDisposable {
  readonly dialect: SqlDialect;
  /** The rows of a query, which are few. */
  query(statement: SqlStatement, options?: SqlCall): Promise<readonly SqlRow[]>;
  /** Runs a statement; gives the number of rows that it changed (0 for DDL). */
  execute(statement: SqlStatement, options?: SqlCall): Promise<number>;
  /**
   * The rows of a query by batches with exactly the columns of `schema`, which the query gives in that order and type. Between its batches
   * other calls may be made (segments appended, statements run).
   */
  scan(statement: SqlStatement, schema: Schema, options?: SqlCall): AsyncIterable<Batch>;
  /**
   * Runs `work`, which uses this connection, in one transaction: commits when it resolves, rolls back and rethrows when it rejects.
   * Everything in it sees one state of the database, or at least waits for whoever changes what it reads under a lock.
   * Rejects with a {@link CommitUnknownError} when the answer to COMMIT was lost; {@link settle} must then come next.
   */
  transaction<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * After a {@link CommitUnknownError}: ends what may still be committing at the server, and connects anew. Only then is what another
   * transaction reads the truth. `staged`: whether segments are still there.
   */
  settle(): Promise<{ readonly staged: boolean }>;
  /**
   * Makes the tables that sessions keep for themselves, where they are missing: statements of the kind `CREATE TABLE IF NOT EXISTS`. Safe
   * against others who do the same at this moment.
   */
  setUp(statements: readonly string[]): Promise<void>;
  /** Drops what dead sessions left staged here. */
  sweep(): Promise<void>;
  /**
   * Takes the right to be the pipeline's only run, by a lock that ends with the process or the connection. A live holder is waited out for
   * `wait` milliseconds, then `ALV_CONCURRENT_RUN`; the event `waiting` says so. Only manners: which run wins is decided by the state row.
   */
  lease(options: LeaseOptions): Promise<SqlLease>;
  /**
   * A table as it stands in the catalogue; `undefined` when there is none. `lock`: in a transaction; from here to its end nobody drops,
   * alters or writes the table.
   */
  inspect(table: string, options?: { readonly lock?: boolean }): Promise<SqlTable | undefined>;
  /**
   * What an error of a statement says of rules that users gave their tables (constraints, triggers), where it is such a rule that refuses
   * rows: the database's message without values, and the table if the error names it (a rule may be checked only with COMMIT).
   */
  refusal(error: unknown): Refusal | undefined;
  /**
   * Opens a segment: a place for rows with these columns, which only this session sees. Those opened in a transaction are needed no longer
   * than it; others outlive transactions, also ones that are rolled back.
   */
  stage(schema: Schema): Promise<SqlSegment>;
}

/** A statement with its parameters, `$1` and so on in the text. */
export interface SqlStatement {
  readonly text: string;
  readonly values?: readonly SqlValue[];
}

/** A value that parameters and results of {@link SqlConnection.query} have. Everything else is cast to text in the statement. */
export type SqlValue = string | number | bigint | boolean | null;

/** A row by its columns' names. 64-bit integers may be numbers where they are safe. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** What all calls take. */
export interface SqlCall {
  readonly signal?: AbortSignal | undefined;
}

/** Whose lease, and how long a live one is waited out. */
export interface LeaseOptions {
  readonly context: OpenContext;
  /** Milliseconds. */
  readonly wait: number;
  readonly signal: AbortSignal;
}

/** The right to be the pipeline's only run. */
export interface SqlLease extends AsyncDisposable {
  /** Whether it is still ours, as far as can be said at no great cost. */
  check(): Promise<boolean>;
}

/** A table of the catalogue. */
export interface SqlTable {
  /** What the last {@link SqlDialect.identify} of this table said; gone when the table is dropped. `undefined`: none. */
  readonly id: string | undefined;
  readonly columns: readonly SqlColumn[];
  /** Indexes over plain columns. */
  readonly indexes: readonly SqlIndex[];
}

/** A column of the catalogue. */
export interface SqlColumn {
  readonly name: string;
  /** `undefined` for a type that none of ours is stored as. */
  readonly type: Schema["fields"][number]["type"] | undefined;
  readonly nullable: boolean;
  /** The type as the database calls it. */
  readonly native: string;
}

/** Why rows were refused. */
export interface Refusal {
  readonly message: string;
  readonly table: string | undefined;
}

/** An index of the catalogue. */
export interface SqlIndex {
  readonly columns: readonly string[];
  readonly unique: boolean;
}

/**
 * Rows that are staged together: a temporary or unlogged table, or files that the database reads. It is written once, then read by any
 * number of statements, then dropped.
 */
export interface SqlSegment {
  readonly schema: Schema;
  /** What stands for its rows in a `FROM`, with the columns of `schema` by name. Valid once {@link seal} is done. */
  readonly relation: string;
  /** Takes rows with the columns of `schema`, in its order; done with the batch when it resolves. */
  append(batch: Batch, options?: SqlCall): Promise<void>;
  /** No more rows come. */
  seal(): Promise<void>;
  /** Bytes that it takes up, as near as can be said. */
  readonly bytes: number;
  /** Gives up its place. Not an error where it is gone already. */
  drop(): Promise<void>;
}

/** The answer to COMMIT was lost: the transaction may hold or not. */
export class CommitUnknownError extends Error {
  override readonly name = "CommitUnknownError";
}
