import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { postgres } from "@alluvium/destinations/postgres";
import { lateRows } from "./late-rows.ts";
import { contractMatrix } from "./matrix.ts";

const url = inject("pgUrl");
const client = new Client({ connectionString: url });
beforeAll(() => client.connect());
afterAll(() => client.end());

const open = async () => {
  const schema = `contracts_${randomBytes(6).toString("hex")}`;
  return {
    destination: postgres({ url, schema }),
    async [Symbol.asyncDispose]() {
      await client.query(`drop schema if exists ${schema} cascade`);
    },
  };
};
contractMatrix("postgres", open, false);
lateRows("postgres", open);
