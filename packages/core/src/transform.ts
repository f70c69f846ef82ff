import { describeValue } from "./columns/refuse.ts";
import { AlluviumError, resourceError } from "./errors.ts";
import { keyAfter, partitionsAfter } from "./plan-steps.ts";
import type { ResourceDefinition, RowStep, Step } from "./resource-definition.ts";
import type { AbilityOfDisposition, ColumnOf, DispositionOption, TableOptions } from "./resource-options.ts";
import type { ColumnHint, ColumnHints, ValueOfHint } from "./schema/hints.ts";
import type { Mask } from "./mask.ts";
import type { Ability } from "./stream.ts";
import { checksOf } from "./quality/check.ts";
import { dispositionOf, keyOf, layoutOf, optionError } from "./table-options.ts";

/** Any resource, whatever its types. */
export interface AnyResource {
  readonly name: string;
  /** What the resource is, for whoever plans its read. */
  readonly definition: ResourceDefinition;
  /** Phantom: carries the row type, never set. */
  readonly $row?: object;
  /** Phantom: carries what a destination must be able to do, never set. */
  readonly $ability?: Ability;
}

/** The row type of a resource. */
export type RowOf<R extends AnyResource> = NonNullable<R["$row"]>;

/** How transforms by row are run. */
export interface TransformOptions {
  /** How many rows are in work at once when the function is asynchronous; their order is kept. @default 16 */
  readonly concurrency?: number;
}

/** What a derived resource does differently from the one it comes from. */
export interface AsOptions<Row, Option> extends TableOptions<Row> {
  /** @default the parent's, where its columns are still there; after `map` and `flatMap` a resource that merges must name its key */
  readonly primaryKey?: ColumnOf<Row> | readonly ColumnOf<Row>[];
  /** @default the parent's */
  readonly disposition?: Option;
}

type Renamed<Row, Names> = {
  [
    Column in keyof Row as Column extends keyof Names
      ? Names[Column] extends string
        ? Names[Column]
        : Column
      : Column
  ]: Row[Column];
};

type Cast<Row, Hints> = {
  [Column in keyof Row]: Column extends keyof Hints
    ? Hints[Column] extends ColumnHint
      ? ValueOfHint<Hints[Column]> | NullsLeft<Row[Column], Hints[Column]>
      : Row[Column]
    : Row[Column];
};

type NullsLeft<Value, Hint> = Hint extends { readonly nullable: false }
  ? never
  : Extract<Value, null | undefined>;

type Masked<Row, Masks> = {
  [Column in keyof Row]: Column extends keyof Masks
    ? Masks[Column] extends Mask<infer Made>
      ? Made | Extract<Row[Column], null | undefined>
      : Row[Column]
    : Row[Column];
};

/**
 * A table-shaped stream of rows. Resources are values: each transform gives a new one, and those derived from one another share one read
 * of their source, even when several of them are loaded.
 */
export interface Resource<
  Name extends string = string,
  Row extends object = object,
  Can extends Ability = Ability,
> extends AnyResource {
  readonly name: Name;
  readonly $row?: Row;
  readonly $ability?: Can;

  /**
   * Keeps the rows that `keep` holds for. In a resource that merges, a row that is refused is a *delete of its key*: it may have been kept
   * before it changed.
   */
  filter<Kept extends Row>(
    keep: (row: Row) => row is Kept,
    options?: TransformOptions,
  ): Resource<Name, Kept, Can>;
  /** The same by a condition that says nothing of the row's type, or that has to be waited for. */
  filter(
    keep: (row: Row) => boolean | Promise<boolean>,
    options?: TransformOptions,
  ): Resource<Name, Row, Can>;

  /** Makes another row of each. Cursors are taken before, so the cursor column need not survive. */
  map<Made extends object>(
    map: (row: Row) => Made | Promise<Made>,
    options?: TransformOptions,
  ): Resource<Name, Made, Can>;

  /** Makes any number of rows of each. */
  flatMap<Made extends object>(
    map: (row: Row) => Iterable<Made> | AsyncIterable<Made> | Promise<Iterable<Made>>,
    options?: TransformOptions,
  ): Resource<Name, Made, Can>;

  /** Keeps these columns only. Costs nothing per row. */
  select<const Column extends ColumnOf<Row>>(
    ...columns: readonly Column[]
  ): Resource<Name, Pick<Row, Column>, Can>;

  /** Gives columns other names. Costs nothing per row. */
  rename<const Names extends { readonly [Column in keyof Row]?: string }>(
    names: Names & { readonly [Column in Exclude<keyof Names, keyof Row>]: never },
  ): Resource<Name, Renamed<Row, Names>, Can>;

  /**
   * Gives columns other types, value by value and exactly; what does not fit is `ALV_ROW_INVALID`. Beside what fits anyway (integers, decimals and
   * floats in one another while the value is the same, anything in `json`, every single value in `string`) texts become what they say: numbers,
   * `true` and `false`, dates and times in ISO form, hexadecimal bytes, uuids. Numbers become decimals by their shortest text (19.99 at scale 2),
   * timestamps at midnight dates. Nulls stay null.
   *
   * @example
   * ```ts
   * const exact = orders.cast({ total: { type: "decimal", precision: 18, scale: 2 } });
   * ```
   */
  cast<const Hints extends { readonly [Column in keyof Row]?: ColumnHint }>(
    columns: Hints & { readonly [Column in Exclude<keyof Hints, keyof Row>]: never },
  ): Resource<Name, Cast<Row, Hints>, Can>;

  /**
   * Puts something else in place of the values of columns before anything else sees them: {@link sha256}, {@link tokenize} or {@link redact}.
   * They become texts; nulls stay null. Masks go by the value's canonical text (numbers without zeros at the end), so that equal values
   * have equal masks. Masked keys still merge, and deletes find their rows; only `redact` is refused there. Cursors are taken before.
   *
   * @example
   * ```ts
   * const masked = orders.mask({ country: tokenize({ key: env("TOKEN_KEY") }), id: sha256({ salt: env("SALT") }) });
   * ```
   */
  mask<const Masks extends { readonly [Column in keyof Row]?: Mask }>(
    columns: Masks & { readonly [Column in Exclude<keyof Masks, keyof Row>]: never },
  ): Resource<Name, Masked<Row, Masks>, Can>;

  /**
   * Names the resource anew, and with it its state and table.
   *
   * @example
   * ```ts
   * const open = orders.filter((order) => order.open).as("open_orders");
   * ```
   */
  as<const NewName extends string, const Option extends DispositionOption<Row> = never>(
    name: NewName,
    options?: AsOptions<Row, Option>,
  ): Resource<NewName, Row, [Option] extends [never] ? Can : AbilityOfDisposition<NoInfer<Option>>>;
}

/** The resource of a definition. */
export function makeResource(definition: ResourceDefinition): Resource {
  const { name, steps, table } = definition;
  if (typeof name !== "string" || name === "")
    throw new AlluviumError(
      "ALV_CONFIG",
      `a resource needs a name, not ${describeValue(name)}: its state and table go by it`,
    );
  const derive = (step: Step): Resource =>
    makeResource({
      ...definition,
      steps: [...steps, step],
      table: {
        ...table,
        primaryKey: table.primaryKey && keyAfter(table.primaryKey, [step]),
        partitionBy: table.partitionBy && partitionsAfter(table.partitionBy, [step]),
      },
    });
  // Rows give dates and the like as text, and so they are found again.
  const inference = definition.root.kind === "read" ? definition.root.inference : {};
  const byRows =
    (kind: RowStep["kind"]) =>
    (call: unknown, { concurrency = 16 }: TransformOptions = {}): Resource => {
      if (typeof call !== "function") throw optionError(name, kind, call, "given a function");
      if (!Number.isInteger(concurrency) || concurrency < 1)
        throw optionError(name, "concurrency", concurrency, "an integer of at least 1");
      return derive({ kind, call: call as RowStep["call"], concurrency, columns: {}, inference });
    };

  return {
    name,
    definition,
    filter: byRows("filter"),
    map: byRows("map") as never,
    flatMap: byRows("flatMap") as never,
    select: (...columns) => derive({ kind: "select", columns }) as never,
    rename: (names) => derive({ kind: "rename", names: names as { [from: string]: string } }) as never,
    cast: (columns) => derive({ kind: "cast", columns: columns as ColumnHints }) as never,
    mask: (columns) => derive({ kind: "mask", columns: masksOf(name, columns) }) as never,
    as: (newName, options = {}) => {
      const { columns, disposition, primaryKey } = options;
      const { naming, contract, quarantine, nesting, partitionBy } = layoutOf(newName, options);
      const checks = checksOf(newName, options.checks);
      return makeResource({
        ...definition,
        name: newName,
        steps: columns === undefined ? steps : withColumns(newName, steps, columns as ColumnHints),
        table: {
          ...table,
          ...(disposition !== undefined && dispositionOf(newName, disposition as DispositionOption<unknown>)),
          primaryKey: primaryKey === undefined ? table.primaryKey : keyOf(newName, primaryKey),
          naming: naming ?? table.naming,
          contract: contract ?? table.contract,
          quarantine: quarantine ?? table.quarantine,
          nesting: nesting ?? table.nesting,
          checks: checks === undefined ? table.checks : { list: checks, step: steps.length },
          partitionBy: partitionBy ?? table.partitionBy,
        },
      }) as never;
    },
  };
}

function masksOf(name: string, columns: object): { readonly [column: string]: Mask } {
  for (const [column, mask] of Object.entries(columns as Record<string, unknown>))
    if (typeof mask !== "object" || mask === null || !("kind" in mask))
      throw optionError(name, `the mask of ${column}`, mask, "made by sha256, tokenize or redact");
  return columns as { readonly [column: string]: Mask };
}

/** Hints say what a `map` makes; columns that are carried over have their types already. */
function withColumns(name: string, steps: readonly Step[], columns: ColumnHints): readonly Step[] {
  const at = steps.findLastIndex(({ kind }) => kind !== "filter");
  const step = steps[at];
  if (step !== undefined && "call" in step) return steps.with(at, { ...step, columns });
  throw resourceError(
    "ALV_CONFIG",
    name,
    "as() takes columns only right after map or flatMap; other columns have the types that they came with",
  );
}
