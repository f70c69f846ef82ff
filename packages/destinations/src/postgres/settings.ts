import { identifier, literal } from "./sql.ts";

/** What can be chosen per destination. */
export interface SessionSettings {
  /** Milliseconds; 0: none. */
  readonly statementTimeout: number;
  /** Milliseconds that a lock is waited for; 0: for ever. */
  readonly lockTimeout: number;
}

/**
 * Settings that what we write depends on, so that neither the server's configuration nor that of the user, nor the state of a client that
 * was given to us, changes it.
 */
const pinned: Readonly<Record<string, string>> = {
  client_encoding: "UTF8",
  timezone: "UTC",
  datestyle: "ISO, YMD",
  intervalstyle: "postgres",
  extra_float_digits: "3",
  bytea_output: "hex",
  standard_conforming_strings: "on",
  // Names are always qualified or temporary.
  search_path: "pg_catalog, pg_temp",
  default_transaction_isolation: "read committed",
  default_transaction_read_only: "off",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // A process that vanished with its network must not keep locks for hours.
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
};

/** Asks for the settings that {@link pinSettings} changes, as rows of `name` and `value`. */
export function readSettings(): string {
  const names = [
    ...Object.keys(pinned),
    "synchronous_commit",
    "statement_timeout",
    "lock_timeout",
    "transaction_timeout",
  ];
  const list = names.map((name) => `(${literal(name)})`).join(", ");
  return `select name, current_setting(name, true) as value from (values ${list}) as s(name) where current_setting(name, true) is not null`;
}

/** Statements that set again what {@link readSettings} found. */
export function restoreSettings(
  settings: readonly { readonly [column: string]: string | null }[],
): readonly string[] {
  return settings.map(({ name, value }) => `select set_config(${literal(name!)}, ${literal(value!)}, false)`);
}

/** The statement that pins the settings of a session. */
export function pinSettings(settings: SessionSettings, version: number): string {
  const values: Record<string, string> = {
    ...pinned,
    statement_timeout: String(settings.statementTimeout),
    lock_timeout: String(settings.lockTimeout),
    // Since PostgreSQL 17.
    ...(version >= 170_000 ? { transaction_timeout: "0" } : {}),
  };
  const statements = Object.entries(values).map(
    ([name, value]) =>
      `set session ${identifier(name)} to ${name === "datestyle" || name === "search_path" ? value : literal(value)}`,
  );
  // A commit that was told of must not be lost with the server's power; what waits for standbys too stays as it is.
  const durable =
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') in ('off', 'local')";
  return [...statements, durable].join("; ");
}
