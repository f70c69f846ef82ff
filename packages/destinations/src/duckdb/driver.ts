import { AlluviumError } from "@alluvium/core";

/** What we use of `@duckdb/node-api`, structurally, so that any copy or version of it fits. */
export interface DuckDBModule {
  readonly DuckDBInstance: {
    create(path?: string, options?: Readonly<Record<string, string>>): Promise<DuckDBInstance>;
    fromCache(path?: string, options?: Readonly<Record<string, string>>): Promise<DuckDBInstance>;
  };
  readonly DuckDBTimestampTZValue: new (micros: bigint) => object;
  readonly DuckDBBlobValue: new (bytes: Uint8Array) => object;
}

/** An open database. */
export interface DuckDBInstance {
  /** Another connection. */
  connect(): Promise<DuckDBConnection>;
  /** Closes the database. */
  closeSync(): void;
}

/** A connection to an open database. */
export interface DuckDBConnection {
  /** Runs a statement, with values for its parameters. */
  run(sql: string, values?: DuckDBParameter[]): Promise<DuckDBResult>;
  /** Ends the statement that runs. */
  interrupt(): void;
  /** Closes the connection. */
  closeSync(): void;
}

/** What parameters are. */
export type DuckDBParameter = string | number | bigint | boolean | null;

/** The result of a statement. */
export interface DuckDBResult {
  readonly rowsChanged: number;
  /** All rows, as objects of plain values. */
  getRowObjectsJS(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** All rows, as lists of the driver's values. */
  getRows(): Promise<readonly (readonly unknown[])[]>;
  /** Names of the columns. */
  columnNames(): readonly string[];
  /** Types of the columns. */
  columnTypes(): readonly unknown[];
}

/** Loads the driver. Throws `ALV_MISSING_PACKAGE` naming it where it is not installed. */
export async function loadDriver(): Promise<DuckDBModule> {
  try {
    return (await import("@duckdb/node-api")) as unknown as DuckDBModule;
  } catch (error) {
    throw new AlluviumError(
      "ALV_MISSING_PACKAGE",
      "duckdb: the package @duckdb/node-api is not installed: npm install @duckdb/node-api, or give a connection of your own as `connection`",
      { step: "open", cause: error },
    );
  }
}
