import { expectTypeOf, test } from "vitest";
import { pipeline, typed, type Destination } from "@alluvium/core";
import { csv, files } from "@alluvium/sources/files";

interface Review {
  readonly id: number;
  readonly text: string | null;
}

type TablesOf<S> = S extends { readonly $tables?: infer Tables } ? NonNullable<Tables> : never;
const lake = null as unknown as Destination<"append" | "replace">;

test("names, rows and abilities", () => {
  const landing = files({
    url: "./landing",
    tables: {
      reviews: {
        files: "r/*.csv",
        format: csv(),
        schema: typed<Review>(),
        primaryKey: "id",
        disposition: "merge",
      },
      tickets: { files: ["t/*.jsonl"] },
      named: { files: "n/*.csv", schema: typed<Review>(), fileColumn: "file", modifiedColumn: "at" },
    },
  });
  type Tables = TablesOf<typeof landing>;
  expectTypeOf<keyof Tables>().toEqualTypeOf<"reviews" | "tickets" | "named">();
  expectTypeOf<Tables["reviews"]["row"]>().toEqualTypeOf<Review>();
  expectTypeOf<Tables["reviews"]["ability"]>().toEqualTypeOf<"upsert">();
  expectTypeOf<Tables["tickets"]["row"]>().toEqualTypeOf<Record<string, unknown>>();
  expectTypeOf<Tables["tickets"]["ability"]>().toEqualTypeOf<"append">();
  expectTypeOf<Tables["named"]["row"]["file"]>().toEqualTypeOf<string>();
  expectTypeOf<Tables["named"]["row"]["at"]>().toEqualTypeOf<Date>();
  // @ts-expect-error the destination does not merge
  pipeline({ name: "p", source: landing, destination: lake });
  landing.resources.reviews.filter((row) => row.text !== null);
});

test("what does not fit does not compile", () => {
  files({
    url: "./landing",
    tables: {
      // @ts-expect-error there is no such column
      reviews: { files: "*.csv", schema: typed<Review>(), primaryKey: "ident" },
    },
  });
  files({
    url: "./landing",
    tables: {
      // @ts-expect-error a misspelt option
      reviews: { files: "*.csv", fileColum: "file" },
    },
  });
  // @ts-expect-error a table needs its files
  files({ url: "./landing", tables: { reviews: { format: csv() } } });
});
