import type { Field, Schema } from "@alluvium/core";
import type { SqlContext } from "./context.ts";
import { systemTables } from "./names.ts";

const string = { kind: "string" } as const;
const int64 = { kind: "int64" } as const;
const instant = { kind: "timestamp", zone: "utc" } as const;

const required = (name: string, type: Field["type"] = string): Field => ({ name, type, nullable: false });

interface SystemTable {
  readonly schema: Schema;
  readonly primaryKey: readonly string[];
}

const definitions: Readonly<Record<keyof typeof systemTables, SystemTable>> = {
  state: {
    schema: {
      fields: [
        required("pipeline"),
        required("lane"),
        required("sequence", int64),
        required("load_id"),
        required("state"),
      ],
    },
    primaryKey: ["pipeline", "lane"],
  },
  tables: {
    schema: {
      fields: [
        required("table_name"),
        required("pipeline"),
        required("lane"),
        required("table_id"),
        required("stream"),
        required("incarnation"),
        required("sequence", int64),
        required("resync", { kind: "boolean" }),
      ],
    },
    primaryKey: ["table_name", "pipeline", "lane"],
  },
  loads: {
    schema: {
      fields: [
        required("load_id"),
        required("pipeline"),
        required("lane"),
        required("sequence", int64),
        required("run_id"),
        required("started_at", instant),
        required("committed_at", instant),
        required("tables", { kind: "json" }),
      ],
    },
    primaryKey: ["pipeline", "lane", "sequence", "load_id"],
  },
  parked: {
    schema: {
      fields: [
        required("table_name"),
        required("pipeline"),
        required("lane"),
        required("stream"),
        required("load_id"),
        required("sequence", int64),
        required("reason"),
        required("content"),
      ],
    },
    primaryKey: ["table_name", "pipeline", "lane"],
  },
};

/** Makes the tables that sessions keep for themselves, where they are missing. */
export async function createSystemTables({ connection, definitions: open }: SqlContext): Promise<void> {
  // They are made in this order, so that the last one stands for all.
  if ((await connection.inspect(systemTables.parked)) !== undefined) return;
  const ddl = await open();
  const keys = Object.keys(systemTables) as (keyof typeof systemTables)[];
  await connection.setUp(
    keys.map((key) => {
      const { schema, primaryKey } = definitions[key];
      return ddl.createTable(systemTables[key], schema, { ifNotExists: true, primaryKey });
    }),
  );
}
