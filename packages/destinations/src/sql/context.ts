import type { OpenContext } from "@alluvium/core";
import type { Ddl } from "./ddl.ts";
import type { SqlDialect } from "./dialect.ts";
import type { SqlConnection } from "./engine.ts";
import type { Queue } from "./queue.ts";

/** What all parts of a session share. */
export interface SqlContext {
  /** Name of the destination, for messages. */
  readonly name: string;
  readonly open: OpenContext;
  readonly connection: SqlConnection;
  readonly dialect: SqlDialect;
  /** Statements that define tables. Only the loads that define any pay for it. */
  readonly definitions: () => Promise<Ddl>;
  /** All use of the connection goes through it. */
  readonly queue: Queue;
}

/** Whether an option that lists tables, or is `true` for all, names one. */
export function names(option: boolean | readonly string[], table: string): boolean {
  return typeof option === "boolean" ? option : option.includes(table);
}
