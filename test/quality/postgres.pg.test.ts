import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { postgres } from "@alluvium/destinations/postgres";
import { checkedLoads } from "./checked-loads.ts";

const url = inject("pgUrl");
const client = new Client({ connectionString: url });
beforeAll(() => client.connect());
afterAll(() => client.end());

checkedLoads(
  "postgres",
  async () => {
    const schema = `quality_${randomBytes(6).toString("hex")}`;
    return {
      destination: () => postgres({ url, schema }),
      async [Symbol.asyncDispose]() {
        await client.query(`drop schema if exists ${schema} cascade`);
      },
    };
  },
  { sql: true, merges: true },
);
