import { identifier, literal } from "./sql.ts";

/**
 * Settings that values' text depends on, pinned for the length of a transaction (`SET LOCAL`), so that neither the server's configuration nor
 * that of the user, nor the state of a client that was given to us, changes what is read.
 */
const pinned: Readonly<Record<string, string>> = {
  client_encoding: "UTF8",
  timezone: "UTC",
  datestyle: "ISO, YMD",
  intervalstyle: "postgres",
  extra_float_digits: "3",
  bytea_output: "hex",
  lc_monetary: "C",
  xmloption: "content",
  // A reader must not hang for ever on what the server's configuration allows, nor be ended by what it forbids.
  idle_in_transaction_session_timeout: "0",
};

/** What can be chosen per source. */
export interface SessionSettings {
  /** Milliseconds; 0: none. */
  readonly statementTimeout: number;
  /** Milliseconds that a lock is waited for. */
  readonly lockTimeout: number;
  /** Whether row-level security may hide rows. */
  readonly rowSecurity: boolean;
  /** `server_version_num`. */
  readonly version: number;
}

/** The statement that pins the settings of the current transaction. Takes no snapshot. */
export function pinSettings(settings: SessionSettings): string {
  const values: Record<string, string> = {
    ...pinned,
    statement_timeout: String(settings.statementTimeout),
    lock_timeout: String(settings.lockTimeout),
    row_security: settings.rowSecurity ? "on" : "off",
    // Since PostgreSQL 17.
    ...(settings.version >= 170_000 ? { transaction_timeout: "0" } : {}),
  };
  return Object.entries(values)
    .map(
      ([name, value]) => `set local ${identifier(name)} to ${name === "datestyle" ? value : literal(value)}`,
    )
    .join("; ");
}
