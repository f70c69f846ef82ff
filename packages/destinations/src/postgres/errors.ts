import { AlluviumError, type ErrorCode } from "@alluvium/core";
import type { Refusal } from "../sql/engine.ts";

/** What a message says about where it happened. */
export interface Place {
  /** Server, port and database, without credentials. */
  readonly server: string;
  /** The table, where there is one. */
  readonly table?: string | undefined;
  readonly step: string;
}

type Meaning = readonly [code: ErrorCode, remedy: string, retryable?: boolean];

/** Meanings of SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const states: Readonly<Record<string, Meaning>> = {
  "28P01": ["ALV_AUTH", "check user and password"],
  "28000": [
    "ALV_AUTH",
    "check user and database, and what pg_hba.conf allows (with or without TLS: sslmode in the url)",
  ],
  "42501": [
    "ALV_AUTH",
    "the user needs CREATE on the schema (on the database, where the schema is to be made), and must own the tables that it writes",
  ],
  "3D000": ["ALV_CONFIG", "check the database's name at the end of the url"],
  "25006": ["ALV_CONFIG", "the server is a standby or the session is read-only: connect to the primary"],
  "42P01": ["ALV_TABLE_NOT_FOUND", "the table was dropped or renamed meanwhile"],
  "42703": ["ALV_SCHEMA_CONFLICT", "a column was dropped or renamed meanwhile"],
  "42804": ["ALV_SCHEMA_CONFLICT", "the type of a column was changed meanwhile"],
  "0A000": [
    "ALV_SCHEMA_CONFLICT",
    "something depends on the table that does not allow the change, such as a view over the column: drop it, run, and create it again",
  ],
  "2BP01": ["ALV_SCHEMA_CONFLICT", "other objects depend on it: drop them, run, and create them again"],
  "23502": ["ALV_SCHEMA_CONFLICT", "the table has a NOT NULL of its own: drop it, or filter such rows out"],
  "23503": [
    "ALV_SCHEMA_CONFLICT",
    "a foreign key of the table's own refuses the row: drop it, or make it DEFERRABLE INITIALLY DEFERRED and load both tables with one pipeline",
  ],
  "23505": [
    "ALV_SCHEMA_CONFLICT",
    "rows that are there twice by this key keep it from being unique: remove them, or choose another primaryKey",
  ],
  "23514": ["ALV_SCHEMA_CONFLICT", "a CHECK of the table's own refuses the row"],
  "22003": ["ALV_VALUE_UNREPRESENTABLE", "a number is out of the range of its column"],
  "22008": ["ALV_VALUE_UNREPRESENTABLE", "a date or time is out of the range of its column"],
  "22021": [
    "ALV_VALUE_UNREPRESENTABLE",
    "a text has no form in the database's encoding: use a database with UTF8",
  ],
  "22P05": [
    "ALV_VALUE_UNREPRESENTABLE",
    "a text has no form in the database's encoding, or a jsonb holds \\u0000",
  ],
  "22P02": [
    "ALV_VALUE_UNREPRESENTABLE",
    'jsonb takes no half of a surrogate pair and no number beyond numeric: use json: "json", or clean the value',
  ],
  "54000": ["ALV_VALUE_TOO_LARGE", "a value is larger than the server takes"],
  "54010": ["ALV_VALUE_TOO_LARGE", "the row is larger than the server takes"],
  "54011": ["ALV_UNSUPPORTED", "a table has at most 1600 columns"],
  "53100": ["ALV_STORE_FULL", "the server's disk is full: make room and run again"],
  "53200": ["ALV_STORE_FAILED", "the server is out of memory or lock slots"],
  "53300": ["ALV_CONNECTION", "the server has no free connection: raise max_connections"],
  "55P03": [
    "ALV_TABLE_CONFLICT",
    "another session holds a lock: end it or run again when it is done, or raise lockTimeout",
  ],
  "55006": ["ALV_TABLE_CONFLICT", "the table is in use by another session: run again when it is done"],
  "57P01": ["ALV_CONNECTION", "the server was shut down or an administrator ended the connection"],
  "57P02": ["ALV_CONNECTION", "the server crashed"],
  "57P03": ["ALV_CONNECTION", "the server is starting or stopping: run again"],
  "57P05": ["ALV_CONNECTION", "the server ends idle sessions: raise idle_session_timeout for this user"],
  "25P03": ["ALV_CONNECTION", "raise idle_in_transaction_session_timeout for this user"],
  "25P04": ["ALV_CONNECTION", "raise transaction_timeout for this user"],
  "40001": ["ALV_TABLE_CONFLICT", "another transaction changed the same rows: run again"],
  "40P01": ["ALV_TABLE_CONFLICT", "the server chose this session to break a deadlock: run again"],
  "08P01": [
    "ALV_CONNECTION",
    "a pooler may stand between that does not pass on what is needed: connect to the server directly",
  ],
};

/** Codes of Node's sockets and TLS. */
const network: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ["ALV_CONNECTION", "no host of this name is known: check the url", false],
  EAI_AGAIN: ["ALV_CONNECTION", "the name could not be resolved just now"],
  ECONNREFUSED: ["ALV_CONNECTION", "nothing listens there: check host and port, and that the server runs"],
  ETIMEDOUT: ["ALV_CONNECTION", "the host does not answer: check host, port and firewalls"],
  EHOSTUNREACH: ["ALV_CONNECTION", "the host cannot be reached: check the network"],
  ENETUNREACH: ["ALV_CONNECTION", "the network cannot be reached"],
  ECONNRESET: ["ALV_CONNECTION", "the connection broke"],
  EPIPE: ["ALV_CONNECTION", "the connection broke"],
  ENOENT: ["ALV_CONNECTION", "there is no such socket: check the path, and that the server runs", false],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "ALV_CONNECTION",
    "the server's certificate is for another name: use the name in it, or sslmode=no-verify to trust any server",
    false,
  ],
};

const untrusted = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
]);

interface ServerError extends Error {
  readonly code?: string;
  readonly severity?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
}

/** The SQLSTATE of an error that came from the server, also where it is the cause of one of ours. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { severity, code } = error as ServerError;
  return severity === undefined ? sqlState(error.cause) : code;
}

/** States by which constraints and triggers of users refuse rows: class 23, `raise_exception`, and `CHECK OPTION` of views. */
const refusals = /^(23...|P0001|44000)$/;

/** What the server says where a rule of a table's own refuses rows; see `SqlConnection.refusal`. */
export function refusalOf(error: unknown, schema: string): Refusal | undefined {
  if (!refusals.test(sqlState(error) ?? "")) return undefined;
  let from = error as ServerError;
  while (from.severity === undefined) from = from.cause as ServerError;
  return { message: from.message, table: from.schema === schema ? from.table : undefined };
}

/** Whether an error means that the connection is gone, rather than that a statement failed. */
export function isFatal(error: unknown): boolean {
  const { severity } = error as ServerError;
  return severity === undefined || severity === "FATAL" || severity === "PANIC";
}

/** An error of the driver or the server as ours: what happened, where, and what to do. */
export function translateError(cause: unknown, place: Place): unknown {
  if (AlluviumError.is(cause) || !(cause instanceof Error)) return cause;
  const error = cause as ServerError;
  const [code, remedy, retryable] = classify(error);
  const at = place.table === undefined ? "" : `, table ${place.table}`;
  // Of the context only what COPY says of line and column; elsewhere it repeats statements.
  const context = /^COPY [^\n]*?line \d+(, column [^\n:]*)?/.exec(error.where ?? "")?.[0];
  const details = [error.detail, error.hint, context].filter(Boolean).map((text) => ` (${text})`);
  const what = `${error.message || error.code || error.name}${details.join("")}`;
  return new AlluviumError(
    code,
    `PostgreSQL at ${place.server}${at}: ${what}${remedy ? `. Remedy: ${remedy}` : ""}`,
    {
      cause,
      step: place.step,
      ...(place.table === undefined ? {} : { resource: place.table }),
      ...(retryable === undefined ? {} : { retryable }),
    },
  );
}

function classify(error: ServerError): Meaning {
  const code = error.code ?? "";
  const { message } = error;
  // Nested errors of a host with several addresses.
  const inner = (error as { readonly errors?: readonly ServerError[] }).errors?.[0];
  if (inner !== undefined) return classify(inner);
  if (error.severity === undefined) {
    if (network[code] !== undefined) return network[code];
    if (untrusted.has(code))
      return [
        "ALV_CONNECTION",
        "the server's certificate is not trusted: give its authority with sslrootcert=<file> in the url (sslmode=no-verify trusts any server)",
        false,
      ];
    if (message.includes("does not support SSL"))
      return ["ALV_CONNECTION", "set sslmode=disable in the url to connect without TLS", false];
    if (/^SASL|password must be a string/i.test(message))
      return ["ALV_AUTH", "the server asks for a password: put it into the url, or give password"];
    if (/timeout expired/.test(message))
      return ["ALV_TIMEOUT", "the server did not answer in connectTimeout"];
    if (/Connection terminated|connection.*(closed|ended|not queryable)|not queryable/i.test(message))
      return ["ALV_CONNECTION", "the connection broke: the server or the network ended it"];
    return ["ALV_STORE_FAILED", ""];
  }
  if (code === "57014")
    return /statement timeout/.test(message)
      ? ["ALV_TIMEOUT", "raise the option statementTimeout"]
      : /lock timeout/.test(message)
        ? states["55P03"]!
        : ["ALV_CONNECTION", "someone cancelled the statement at the server"];
  if (states[code] !== undefined) return states[code];
  if (code.startsWith("08")) return ["ALV_CONNECTION", "the connection broke"];
  if (code.startsWith("28")) return ["ALV_AUTH", "check user and password"];
  if (code.startsWith("57P")) return ["ALV_CONNECTION", "the server is not available"];
  return ["ALV_STORE_FAILED", "", false];
}
