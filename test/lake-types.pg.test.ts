import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, type ColumnKind } from "@alluvium/core";
import { scalarReader } from "@alluvium/core/columns";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";
import pg from "pg";
import { expect, inject, test } from "vitest";
import {
  casesPrelude,
  casesTable,
  pinnedSettings,
  spell,
  storedForms,
  typeCases,
} from "../packages/sources/test/postgres/type-cases.ts";
import { ownDatabase } from "./database.ts";

// What a Delta table holds as text, as the server itself spells it.
const asText: Partial<Record<ColumnKind, (value: string) => string>> = {
  time: (value) => `${value}::text`,
  uuid: (value) => `${value}::text`,
  json: (value) => `${value}::text`,
};

test("the lake holds the server's value of every type, extremes and nulls included", async () => {
  await using database = await ownDatabase(inject("pgUrl"));
  const folder = mkdtempSync(join(tmpdir(), "alluvium-types-"));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(casesPrelude);
    for (const statement of casesTable()) await client.query(statement);
    const load = pipeline({
      name: "types",
      source: postgres({ url: database.url, tables: { t: {} } }),
      destination: delta({ url: folder }),
    });
    await load.run();

    const found = new Map<number, Record<string, unknown>>();
    for await (const batch of deltaTable(join(folder, "t")).scan()) {
      const readers = batch.columns.map((vector) => scalarReader(vector));
      for (let row = 0; row < batch.length; row++) {
        const cells = Object.fromEntries(batch.schema.fields.map(({ name }, i) => [name, readers[i]!(row)]));
        found.set(Number(cells["row_number"]), cells);
      }
    }
    await client.query(pinnedSettings);
    for (const [i, { sql, type, expected }] of typeCases.entries()) {
      const form =
        asText[type.kind] ?? expected ?? storedForms[type.kind] ?? ((value: string) => `${value}::text`);
      const { rows } = await client.query(
        `select row_number, ${form(`c${i}`)} as v from t order by row_number`,
      );
      expect(found.size).toBe(rows.length);
      expect(
        rows.map(({ row_number }) => spell(found.get(row_number)![`c${i}`])),
        sql,
      ).toEqual(rows.map(({ v }) => v));
    }
  } finally {
    await client.end();
    rmSync(folder, { recursive: true, force: true });
  }
});
