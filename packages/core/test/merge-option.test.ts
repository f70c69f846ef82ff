import { expect, test } from "vitest";
import { dispositionOf } from "../src/table-options.ts";

const of = (option: unknown): ReturnType<typeof dispositionOf> => dispositionOf("orders", option as never);

test("options of each strategy", () => {
  expect(of("merge")).toEqual({
    disposition: { kind: "merge", strategy: "upsert" },
    merge: { orderBy: undefined, deleteFlag: undefined },
  });
  expect(of({ merge: "upsert", orderBy: "at", deleteFlag: "gone" }).merge).toEqual({
    orderBy: "at",
    deleteFlag: "gone",
  });
  expect(of({ merge: "insertOnly" }).disposition).toEqual({ kind: "merge", strategy: "insertOnly" });
  expect(of({ merge: "deleteInsert" }).merge?.mergeKey).toBeUndefined();
  expect(of({ merge: "deleteInsert", mergeKey: "day" }).merge?.mergeKey).toEqual(["day"]);
  expect(of({ merge: "deleteInsert", mergeKey: ["day", "shop"] }).merge?.mergeKey).toEqual(["day", "shop"]);
});

test("scd2 has its columns by default", () => {
  expect(of({ merge: "scd2" }).merge?.validity).toEqual({
    from: "_alv_valid_from",
    to: "_alv_valid_to",
    active: "_alv_active",
    boundary: undefined,
    retireAbsent: false,
  });
  expect(
    of({
      merge: "scd2",
      validFrom: "f",
      validTo: "t",
      active: "a",
      boundary: new Date(5),
      retireAbsent: true,
    }).merge?.validity,
  ).toEqual({ from: "f", to: "t", active: "a", boundary: { at: 5 }, retireAbsent: true });
  expect(of({ merge: "scd2", boundary: "changedAt" }).merge?.validity?.boundary).toEqual({
    column: "changedAt",
  });
});

test.for([
  [
    { merge: "upsert", mergeKey: "day" },
    /has mergeKey, which belongs to \{ merge: "deleteInsert" \}.*"upsert" \} has orderBy/,
  ],
  [
    { merge: "insertOnly", orderBy: "at" },
    /has orderBy, which belongs to .*"upsert" \| "deleteInsert" \| "scd2".*no further options/,
  ],
  [{ merge: "deleteInsert", retireAbsent: true }, /has retireAbsent, which belongs to \{ merge: "scd2" \}/],
  [{ merge: "scd2", validfrom: "x" }, /has validfrom, which no disposition has; .* has validFrom, validTo/],
  [{ merge: "scd2", validFrom: "" }, /validFrom is ""; it must be the name of a column/],
  [{ merge: "scd2", validFrom: "_alv_valid_to" }, /they must be three columns/],
  [{ merge: "scd2", boundary: new Date(Number.NaN) }, /boundary is Invalid Date; it must be/],
  [{ merge: "scd2", boundary: 17 }, /boundary is 17; it must be/],
  [{ merge: "scd2", retireAbsent: "yes" }, /retireAbsent is "yes"; it must be true or false/],
  [{ merge: "deleteInsert", mergeKey: [] }, /mergeKey is \[\]; it must be a column, or several/],
  [{ merge: "deleteInsert", mergeKey: ["a", "a"] }, /each once/],
  [{ merge: "upsert", orderBy: 1 }, /orderBy is 1; it must be the name of a column/],
  [{ merge: "update" }, /it must be "append", "replace", "merge"/],
  [{ replace: "all", orderBy: "at" }, /has orderBy, which \{ replace \} does not; it has allowEmpty/],
  [{ replace: "all", allowEmpty: 1 }, /allowEmpty is 1/],
  [{ append: { replaceWhere: { a: 1 } }, merge: "upsert" }, /has merge, which \{ append \} does not/],
  [null, /disposition is null/],
] as const)("%o is refused", ([option, message]) => {
  expect(() => of(option)).toThrow(message);
  expect(() => of(option)).toThrow(expect.objectContaining({ code: "ALV_CONFIG", resource: "orders" }));
});
