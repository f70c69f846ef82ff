import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { postgres } from "@alluvium/destinations/postgres";
import { mergesFollow } from "./merges.ts";
import { roundTrips } from "./round-trip.ts";

const url = inject("pgUrl");
const client = new Client({ connectionString: url });
beforeAll(() => client.connect());
afterAll(() => client.end());

const open = async () => {
  const schema = `nesting_${randomBytes(6).toString("hex")}`;
  return {
    destination: postgres({ url, schema }),
    async [Symbol.asyncDispose]() {
      await client.query(`drop schema if exists ${schema} cascade`);
    },
  };
};
// A table has at most 1600 columns.
roundTrips("postgres", open, { numRuns: 3, width: 1000 });
mergesFollow("postgres", open, 2);
