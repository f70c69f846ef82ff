import fc from "fast-check";

/** What a value is made of, so that the values of one key are of one kind. */
export type Shape =
  | { readonly kind: "integer" | "number" | "boolean" | "text" | "date" }
  | { readonly kind: "list"; readonly element: Shape }
  | { readonly kind: "object"; readonly members: { readonly [name: string]: Shape } };

/** Names that are spelled alike, hold separators of paths, or are none at all. */
const awkwardNames = [
  "a",
  "A",
  "b",
  "a__b",
  "a b",
  "userId",
  "user_id",
  "a.b",
  "a/b",
  "~",
  "/~value",
  "value",
  "key",
  "empty",
  "items",
  "x".repeat(70),
  "y".repeat(40),
  "ключ",
  "大阪",
  'it\'s "quoted"',
  "constructor",
];

/** Names that each destination can give to a member of an object in a column: they differ in more than case. */
const plainNames = ["a", "b", "c", "user_id", "value", "key", "ключ", "items"];

/** A table of awkward rows: `plain` where objects stay in columns. */
export function awkwardRows(plain: boolean): fc.Arbitrary<readonly object[]> {
  const names = fc.constantFrom(...(plain ? plainNames : awkwardNames));
  const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
    shape: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom<Shape>(
        { kind: "integer" },
        { kind: "number" },
        { kind: "boolean" },
        { kind: "text" },
        { kind: "date" },
      ),
      tie("shape").map((element): Shape => ({ kind: "list", element })),
      fc
        .dictionary(names, tie("shape"), { maxKeys: 4, noNullPrototype: true })
        .map((members): Shape => ({ kind: "object", members })),
    ),
  }));
  return fc
    .dictionary(names, shape, { minKeys: 1, maxKeys: 4, noNullPrototype: true })
    .chain((members) =>
      fc.array(
        fc.record(Object.fromEntries(Object.entries(members).map(([name, one]) => [name, valueOf(one)])), {
          noNullPrototype: true,
          requiredKeys: [],
        }),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
    )
    .map((rows) => rows.map((row, i) => ({ ...row, id: i })));
}

function valueOf(shape: Shape): fc.Arbitrary<unknown> {
  return fc.option(someOf(shape), { freq: 4, nil: null });
}

function someOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "integer":
      return fc.maxSafeInteger();
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "boolean":
      return fc.boolean();
    case "text":
      // Servers take no NUL in text.
      return fc.string({ unit: "binary", maxLength: 8 }).map((text) => text.replaceAll("\0", "0"));
    case "date":
      return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("2200-01-01") });
    case "list":
      return fc.array(valueOf(shape.element), { maxLength: 3 });
    case "object":
      return fc.record(
        Object.fromEntries(Object.entries(shape.members).map(([name, one]) => [name, valueOf(one)])),
        { noNullPrototype: true, requiredKeys: [] },
      );
  }
}

/** Rows in whose every key stand values of any kind, in batches, in runs. */
export function mixedRuns(plain: boolean): fc.Arbitrary<readonly (readonly (readonly object[])[])[]> {
  const names = fc.constantFrom(...(plain ? plainNames.slice(0, 3) : ["a", "A", "a__b", "a.b", "value"]));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true, maxDepth: 3 },
      fc.constantFrom<unknown>(
        null,
        1,
        -7,
        2 ** 40,
        0.5,
        1e18,
        1e300,
        true,
        false,
        "",
        "a",
        "5",
        "true",
        "null",
      ),
      fc.constantFrom<unknown>(
        "2024-02-29",
        "2024-02-29T00:00:00Z",
        "{}",
        "[1]",
        '"',
        "ü€😀",
        [],
        {},
        [[]],
        [{}],
      ),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(names, tie("value"), { maxKeys: 2, noNullPrototype: true }),
    ),
  }));
  const row = fc.dictionary(fc.constantFrom("x", "y"), value, { noNullPrototype: true });
  const batch = fc.array(row, { minLength: 1, maxLength: 4 });
  return fc
    .array(fc.array(batch, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((runs) => {
      let id = 0;
      return runs.map((batches) => batches.map((rows) => rows.map((one) => ({ ...one, id: id++ }))));
    });
}

/**
 * A value so that what may differ is equal: an absent member is null, integers and doubles are numbers, an instant is its milliseconds, a lone surrogate
 * U+FFFD, -0 is 0. Integers are numbers, unless they must be `exact`: then those that no double holds are text. Lists, objects and nulls stay told apart.
 */
export function canonical(value: unknown, exact: boolean = false): unknown {
  if (typeof value === "string")
    return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? Date.parse(value) : value.toWellFormed();
  if (exact && typeof value === "bigint" && !Number.isSafeInteger(Number(value))) return String(value);
  if (typeof value === "number" || typeof value === "bigint") return Number(value) + 0;
  if (value instanceof Date) return value.getTime();
  if (value instanceof Map) return canonical(Object.fromEntries(value), exact);
  if (Array.isArray(value)) return value.map((one) => canonical(one, exact));
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, canonical(member, exact)] as const)
      .filter(([, member]) => member !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** An object in a list in an object …, so many levels deep. */
function deep(levels: number): unknown {
  return levels === 0 ? [[]] : { some_rather_long_name: [{ n: levels, more: deep(levels - 1) }, null, {}] };
}

/** Rows that are extreme each in its way. `width`: members of the widest object; `plain`: it stays in a column. */
export function extremeRows(width: number, plain: boolean): readonly object[] {
  const wide = Object.fromEntries(
    Array.from({ length: width }, (_, i) => [plain ? `member_${i}` : `member ${i}`, i % 7 === 0 ? null : i]),
  );
  return [
    { id: 0, long: ["x".repeat(5_000_000)], deep: deep(8), wide },
    {
      id: 1,
      long: ["\ud800a", "b\udfff", "🏔", ""],
      numbers: [2n ** 60n + 1n, -(2n ** 63n), null],
      deep: { some_rather_long_name: [] },
    },
    { id: 2, long: [], numbers: [], deep: null, wide: {} },
    { id: 3, long: null, wide: null, numbers: null },
  ];
}
