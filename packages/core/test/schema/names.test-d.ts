import { expectTypeOf, test } from "vitest";
import type { SnakeCase } from "../../src/schema/names.ts";
import type { cases } from "./names.cases.ts";

type Cases = typeof cases;
type Wrong = {
  [Name in keyof Cases]: [SnakeCase<Name & string>, Cases[Name]] extends [
    Cases[Name],
    SnakeCase<Name & string>,
  ]
    ? never
    : { readonly name: Name; readonly is: SnakeCase<Name & string> };
}[keyof Cases];

test("the type spells names as the run time does", () => {
  expectTypeOf<Wrong>().toBeNever();
  expectTypeOf<SnakeCase<string>>().toEqualTypeOf<string>();
  expectTypeOf<SnakeCase<"HTTPStatus">>().toEqualTypeOf<"http_status">();
  expectTypeOf<SnakeCase<"createdAt" | "Order Date">>().toEqualTypeOf<"created_at" | "order_date">();
});
