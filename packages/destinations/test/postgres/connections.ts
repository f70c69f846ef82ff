import { onTestFinished } from "vitest";
import type { ColumnType, OpenContext } from "@alluvium/core";
import { suiteContext } from "@alluvium/core/testing";
import { postgresDatabase } from "../../src/postgres/database.ts";
import type { PostgresOptions } from "../../src/postgres/options.ts";
import type { SqlConnection } from "../../src/sql/engine.ts";

/** Opens connections to the database of `url` that are disposed after the test. */
export function opener(
  url: string,
): (options?: Partial<PostgresOptions>, context?: Partial<OpenContext>) => Promise<SqlConnection> {
  return async (options = {}, context = {}) => {
    const given = "client" in options || "connect" in options ? {} : { url };
    const connection = await postgresDatabase({ ...given, ...options }).connect({
      ...suiteContext(),
      ...context,
    });
    onTestFinished(() => connection[Symbol.asyncDispose]());
    return connection;
  };
}

/** Aborts after some milliseconds. */
export function abortIn(milliseconds: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), milliseconds);
  return controller.signal;
}

const list = (type: ColumnType): ColumnType => ({
  kind: "list",
  element: { name: "element", type, nullable: true },
});

/** Types as they are stored. */
export const stored: readonly ColumnType[] = [
  { kind: "boolean" },
  { kind: "int16" },
  { kind: "int32" },
  { kind: "int64" },
  { kind: "float32" },
  { kind: "float64" },
  { kind: "decimal", precision: 18, scale: 2 },
  { kind: "decimal", precision: 38, scale: 38 },
  { kind: "decimal", precision: 1, scale: 0 },
  { kind: "string" },
  { kind: "binary" },
  { kind: "date" },
  { kind: "time" },
  { kind: "timestamp", zone: "utc" },
  { kind: "timestamp", zone: "local" },
  { kind: "uuid" },
  { kind: "json" },
  list({ kind: "int64" }),
  list({ kind: "decimal", precision: 10, scale: 3 }),
  list({ kind: "timestamp", zone: "utc" }),
  list({ kind: "json" }),
];
