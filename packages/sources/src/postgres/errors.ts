import { AlluviumError, type ErrorCode } from "@alluvium/core";

/** What a message says about where it happened. */
export interface Place {
  /** Server, port and database, without credentials. */
  readonly server: string;
  readonly resource?: string;
  readonly step: "open" | "read";
}

/** Remedies by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html): exact codes first, then classes. */
const states: Readonly<Record<string, readonly [code: ErrorCode, remedy: string]>> = {
  "28P01": ["ALV_AUTH", "check user and password"],
  "28000": [
    "ALV_AUTH",
    "check user and database, and what pg_hba.conf allows (with or without TLS: sslmode in the url)",
  ],
  "3D000": ["ALV_SOURCE_NOT_FOUND", "check the database's name at the end of the url"],
  "3F000": ["ALV_SOURCE_NOT_FOUND", "check the schema's name"],
  "42P01": ["ALV_SOURCE_NOT_FOUND", "check the name, and the schema before it"],
  "42703": [
    "ALV_SOURCE_NOT_FOUND",
    "check the columns in where and sql; one that was there may have been dropped since the run began: run again",
  ],
  "42501": ["ALV_AUTH", "grant SELECT on what is read, or leave it out"],
  "42601": ["ALV_CONFIG", "check the SQL in the options"],
  "22P02": [
    "ALV_CONFIG",
    "check the values in the options (initial of a cursor, where) and the casts in sql",
  ],
  "22007": [
    "ALV_CONFIG",
    "check the values in the options (initial of a cursor, where) and the casts in sql",
  ],
  "22008": [
    "ALV_CONFIG",
    "check the values in the options (initial of a cursor, where) and the casts in sql",
  ],
  "22021": [
    "ALV_VALUE_UNREPRESENTABLE",
    "a text is not valid in the database's encoding (SQL_ASCII checks nothing): read it as bytes by a query, convert_to(column, 'SQL_ASCII')",
  ],
  "53300": [
    "ALV_CONNECTION",
    "the server has no free connection: lower the option connections, or raise max_connections",
  ],
  "53200": [
    "ALV_SOURCE_FAILED",
    "the server is out of memory or lock slots: read fewer tables at once, or raise max_locks_per_transaction",
  ],
  "55P03": [
    "ALV_TIMEOUT",
    "another session holds a lock on it (ALTER, TRUNCATE …): run again when it is done",
  ],
  "57P01": ["ALV_CONNECTION", "the server was shut down or an administrator ended the connection"],
  "57P02": ["ALV_CONNECTION", "the server crashed"],
  "57P03": ["ALV_CONNECTION", "the server is starting or stopping: run again"],
  "57P04": ["ALV_SOURCE_NOT_FOUND", "the database was dropped"],
  "57P05": ["ALV_CONNECTION", "the server ends idle sessions: raise idle_session_timeout for this user"],
  "25P03": ["ALV_SNAPSHOT_LOST", "raise idle_in_transaction_session_timeout for this user"],
  "25P04": ["ALV_SNAPSHOT_LOST", "raise transaction_timeout for this user"],
  "40001": [
    "ALV_SNAPSHOT_LOST",
    "on a standby, raise max_standby_streaming_delay or set hot_standby_feedback",
  ],
  "40P01": ["ALV_CONNECTION", "the server chose this session to break a deadlock: run again"],
  "72000": ["ALV_SNAPSHOT_LOST", "raise old_snapshot_threshold"],
  "08P01": [
    "ALV_CONNECTION",
    "a pooler may stand between that does not pass on what is needed: connect to the server directly, or use transaction pooling (statement pooling cannot hold a snapshot)",
  ],
};

/** Codes of Node's sockets and TLS. */
const network: Readonly<Record<string, readonly [code: ErrorCode, remedy: string, retryable?: boolean]>> = {
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
}

/** An error of the driver or the server as ours: what happened, where, and what to do. */
export function translateError(cause: unknown, place: Place): unknown {
  if (AlluviumError.is(cause) || !(cause instanceof Error)) return cause;
  const error = cause as ServerError;
  const [code, remedy, retryable] = classify(error);
  const at = place.resource === undefined ? "" : `, ${place.resource}`;
  const details = [error.detail, error.hint].filter(Boolean).map((text) => ` (${text})`);
  const what = `${error.message || error.code || error.name}${details.join("")}`;
  return new AlluviumError(
    code,
    `PostgreSQL at ${place.server}${at}: ${what}${remedy ? `. Remedy: ${remedy}` : ""}`,
    {
      cause,
      step: place.step,
      ...(place.resource === undefined ? {} : { resource: place.resource }),
      ...(retryable === undefined ? {} : { retryable }),
    },
  );
}

function classify(error: ServerError): readonly [ErrorCode, string, boolean?] {
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
    if (/Connection terminated|connection.*(closed|ended|not queryable)/i.test(message))
      return ["ALV_CONNECTION", "the connection broke: the server or the network ended it"];
    return ["ALV_SOURCE_FAILED", ""];
  }
  if (code === "57014")
    return /statement timeout/.test(message)
      ? ["ALV_TIMEOUT", "raise the option statementTimeout, or make the query faster"]
      : ["ALV_CONNECTION", "someone cancelled the query at the server"];
  if (/snapshot .*does not exist|invalid snapshot identifier|source process .* is not running/.test(message))
    return [
      "ALV_SNAPSHOT_LOST",
      "the session that held the snapshot ended; the table starts again under a new one",
    ];
  if (/row-level security/.test(message))
    return [
      "ALV_AUTH",
      "a policy would hide rows: read as a user with BYPASSRLS, or say rowSecurity: true to load the rows that the policy shows",
    ];
  if (states[code] !== undefined) return states[code];
  if (code.startsWith("08")) return ["ALV_CONNECTION", "the connection broke"];
  if (code.startsWith("28")) return ["ALV_AUTH", "check user and password"];
  if (code.startsWith("57P")) return ["ALV_CONNECTION", "the server is not available"];
  return ["ALV_SOURCE_FAILED", ""];
}
