import { randomBytes } from "node:crypto";
import { describe, test } from "vitest";
import { destinationSuite, suiteDestination } from "@alluvium/core/testing";
import { postgres } from "@alluvium/destinations/postgres";
import { useDatabase } from "./database.ts";

const db = useDatabase("destination");

describe("conformance", () => {
  destinationSuite({
    test,
    capabilities: postgres({ url: "" }).capabilities,
    async open() {
      const schema = `suite_${randomBytes(6).toString("hex")}`;
      return suiteDestination(
        postgres({ url: db.url, schema }),
        async (table) => {
          const [there] = await db.run(`select to_regclass('${schema}."${table}"') is not null as there`);
          return there!["there"] === true ? db.run(`select * from ${schema}."${table}"`) : [];
        },
        async () => void (await db.run(`drop schema if exists ${schema} cascade`)),
      );
    },
  });
});
