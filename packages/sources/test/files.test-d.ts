import { expectTypeOf, test } from "vitest";
import { day, notNull, pipeline, source, typed, type Destination } from "@alluvium/core";
import { files, type FileFormat } from "@alluvium/sources/files";

interface Review {
  id: number;
  text: string | null;
  at: Date;
}

type TablesOf<S> = S extends { readonly $tables?: infer Tables } ? NonNullable<Tables> : never;
const format = null as unknown as FileFormat;
const lake = null as unknown as Destination<"append" | "upsert">;
const appending = null as unknown as Destination<"append">;

test("rows are what the schema says, with the columns of the file; abilities are what the disposition asks", () => {
  const landing = files({
    url: "./landing",
    tables: {
      reviews: {
        files: "reviews/**",
        format,
        schema: typed<Review>(),
        primaryKey: "id",
        disposition: "merge",
        fileColumn: "_file",
        modifiedColumn: "_at",
        checks: [notNull("text")],
        partitionBy: [day("at")],
      },
      tickets: { files: ["a/*", "b/*"], format },
    },
  });
  type Tables = TablesOf<typeof landing>;
  expectTypeOf<keyof Tables>().toEqualTypeOf<"reviews" | "tickets">();
  expectTypeOf<Tables["reviews"]["row"]["id"]>().toEqualTypeOf<number>();
  expectTypeOf<Tables["reviews"]["row"]["_file"]>().toEqualTypeOf<string>();
  expectTypeOf<Tables["reviews"]["row"]["_at"]>().toEqualTypeOf<Date>();
  expectTypeOf<Tables["reviews"]["ability"]>().toEqualTypeOf<"upsert">();
  expectTypeOf<Tables["tickets"]["row"]>().toEqualTypeOf<Record<string, unknown>>();
  expectTypeOf<Tables["tickets"]["ability"]>().toEqualTypeOf<"append">();
  const load = pipeline({ name: "p", source: landing, destination: lake });
  const rows = async (): Promise<number> => (await load.run()).tables.reviews.rows;
  expectTypeOf(rows).returns.resolves.toEqualTypeOf<number>();
  const short = landing.resources.reviews
    .filter((row) => row.id > 3)
    .map((row) => ({ id: row.id, from: row._file }));
  const own = source("own", () => [short.as("short", { primaryKey: "id" })]);
  pipeline({ name: "q", source: own(), destination: lake });
  // @ts-expect-error -- it merges, which this destination cannot do
  pipeline({ name: "p", source: landing, destination: appending });
});

test("what is misspelt or no column does not compile", () => {
  const schema = typed<Review>();
  // @ts-expect-error -- there is no such option
  files({ url: ".", tables: { a: { files: "*", format, fileColum: "_file" } } });
  // @ts-expect-error -- there is no such option
  files({ url: ".", tabels: {}, tables: { a: { files: "*", format } } });
  // @ts-expect-error -- no column of its rows
  files({ url: ".", tables: { a: { files: "*", format, schema, primaryKey: "nr" } } });
  // @ts-expect-error -- globs are needed
  files({ url: ".", tables: { a: { format } } });
  files({ url: ".", tables: { a: { files: "*", format, schema, primaryKey: ["id", "at"] } } });
  files({
    url: ".",
    tables: { a: { files: "*", format, fileColumn: "_f", schema, primaryKey: ["_f", "id"] } },
  });
});
