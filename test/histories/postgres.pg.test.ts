import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { suiteDestination } from "@alluvium/core/testing";
import { postgres } from "@alluvium/destinations/postgres";
import { historyTest } from "./history-test.ts";
import type { SourceRow } from "./history.ts";

const url = inject("pgUrl");
const client = new Client({
  connectionString: url,
  // Values as the server's text, but for JSON: timestamps would lose their microseconds.
  types: {
    getTypeParser: (type: number) => (text: string) =>
      type === 16 ? text === "t" : type === 114 || type === 3802 ? (JSON.parse(text) as unknown) : text,
  } as never,
});
beforeAll(async () => {
  await client.connect();
  await client.query("set timezone to 'UTC'");
});
afterAll(() => client.end());

historyTest({
  name: "postgres",
  capabilities: postgres({ url }).capabilities,
  open: async () => {
    const schema = `history_${randomBytes(6).toString("hex")}`;
    return suiteDestination(
      postgres({ url, schema }),
      async (table) => {
        const { rows: found } = await client.query<{ there: string }>(
          `select to_regclass('${schema}."${table}"')::text as there`,
        );
        if (found[0]!.there === null) return [];
        return (await client.query<SourceRow>(`select * from ${schema}."${table}"`)).rows;
      },
      async () => void (await client.query(`drop schema if exists ${schema} cascade`)),
    );
  },
});
