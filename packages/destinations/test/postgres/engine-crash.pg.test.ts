import { postgresDatabase } from "../../src/postgres/database.ts";
import { crashSuite } from "../sql/crash-suite.ts";
import { useDatabase } from "./database.ts";

const db = useDatabase("engine_crash");
let places = 0;

crashSuite(
  async () => {
    const schema = `place_${(places += 1)}`;
    return {
      database: postgresDatabase({ url: db.url, schema }),
      async read(table, columns) {
        const [there] = await db.run(`select to_regclass('${schema}."${table}"') is not null as there`);
        if (there!["there"] !== true) return [];
        const texts = columns.map((name) => `coalesce("${name}"::text, 'null')`).join(", ");
        const rows = await db.run(`select concat_ws('|', ${texts}) as row from ${schema}."${table}"`);
        return rows.map(({ row }) => row as string);
      },
      async run(sql) {
        await db.run(`set search_path to ${schema}; ${sql}; reset search_path`);
      },
      async [Symbol.asyncDispose]() {
        await db.run(`drop schema if exists ${schema} cascade`);
      },
    };
  },
  { every: 41 },
);
