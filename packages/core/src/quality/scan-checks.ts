import { bitAt } from "../columns/bitmap.ts";
import { columnOf, type Batch } from "../columns/batch.ts";
import { takeVector } from "../columns/take.ts";
import type { Vector } from "../columns/vector.ts";
import type { DestinationSession } from "../destination.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import { keyHashes } from "../merge/key-hashes.ts";
import type { Schema } from "../schema/types.ts";
import { widenTypes } from "../schema/widen.ts";
import type { Check } from "./check.ts";
import type { CheckResult } from "./check-result.ts";
import { addFigures, figuresOf, hasFigures, judge, noFigures } from "./figures.ts";
import { keyValues, wholeRows } from "./key-values.ts";
import { found, rowCheck, type CheckedTable } from "./row-checks.ts";
import { countingResult, resultHead } from "./make-result.ts";
import { addTally, MOST_EXAMPLES, noTally, type Tally } from "./tally.ts";

/** A committed table whose checks are made. */
export interface CommittedTable {
  readonly session: DestinationSession;
  /** Name at the destination. */
  readonly table: string;
  readonly checked: CheckedTable;
  /** The destination's name of a column. */
  readonly spell: (column: string) => string;
  /** Whether nested values are taken apart: a column that is not there may have become several, or a table. */
  readonly isNested: boolean;
  /** Of a table with versions: the column that is true in those that count. */
  readonly active: string | undefined;
  /** Bytes that a check may keep. */
  readonly budget: number;
  readonly signal: AbortSignal;
}

/** Makes the checks of a table as it stands. One that is not there has no rows. */
export async function checkCommitted(
  given: CommittedTable,
  checks: readonly Check[],
): Promise<readonly CheckResult[]> {
  const { session, table } = given;
  const schema = (await session.describe(table))?.schema ?? { fields: [] };
  // Examples and conditions go by the names that columns have here.
  const checked: CheckedTable = { ...given.checked, nameOf: given.spell };
  const own = { ...given, checked };
  const results = new Map<string, CheckResult>();
  const single = checks.filter(({ rule: { kind } }) => !["unique", "references", "sql"].includes(kind));
  for (const result of await checkInOneScan(own, single, schema)) results.set(result.name, result);
  for (const check of checks) {
    if (check.rule.kind === "sql") results.set(check.name, await checkBySql(own, check, check.rule.text));
    if (check.rule.kind === "unique") results.set(check.name, await checkUnique(own, check, schema));
    if (check.rule.kind === "references")
      results.set(check.name, await checkReferences(own, check, schema, check.rule));
  }
  return checks.map(({ name }) => results.get(name)!);
}

/** The batches of a table with those of the columns that it has, and which rows of each count. */
async function* scanned(
  { session, table, active, signal }: CommittedTable,
  wanted: readonly string[],
  { fields }: Schema,
): AsyncGenerator<{ readonly batch: Batch; readonly isCounted: (row: number) => boolean }> {
  if (fields.length === 0) return;
  const names = fields.map(({ name }) => name);
  const state = active !== undefined && names.includes(active) ? active : undefined;
  const columns = [...new Set([...wanted, ...(state === undefined ? [] : [state])])].filter((name) =>
    names.includes(name),
  );
  // A number of rows needs a column, too.
  if (columns.length === 0) columns.push(names[0]!);
  for await (const batch of session.scan!(table, { columns, signal })) {
    const flags = state === undefined ? undefined : columnOf(batch, state);
    const isCounted =
      flags?.layout === "boolean" ? (row: number): boolean => bitAt(flags.values, row) : () => true;
    yield { batch, isCounted };
  }
}

/** Checks of values and figures: the table is read once for all of them. */
async function checkInOneScan(
  given: CommittedTable,
  checks: readonly Check[],
  schema: Schema,
): Promise<readonly CheckResult[]> {
  if (checks.length === 0) return [];
  const { checked, spell, signal, isNested, table } = given;
  for (const { name, columns } of isNested && schema.fields.length > 0 ? checks : []) {
    const absent = columns.find((column) => !schema.fields.some((field) => field.name === spell(column)));
    if (absent !== undefined)
      throw resourceError(
        "ALV_CONFIG",
        checked.resource,
        `check ${name}: table ${table} has no column ${spell(absent)}; check the elements of a list with each(), and nested values before the commit`,
        { step: "check" },
      );
  }
  const { resource, primaryKey } = checked;
  const counted = checks
    .filter((check) => !hasFigures(check))
    .map((check) => ({ check, run: rowCheck(checked, check), tally: noTally }));
  const measured = checks.filter(hasFigures).map((check) => ({ check, figures: noFigures(check) }));
  const showsKeys = counted.some(({ check }) => check.rule.kind === "notNull");
  const columns = [...checks.flatMap((check) => check.columns), ...(showsKeys ? primaryKey : [])].map(spell);
  for await (const { batch, isCounted } of scanned(given, columns, schema)) {
    for (const one of counted) one.tally = addTally(one.tally, one.run(batch, isCounted).tally);
    for (const one of measured)
      one.figures = addFigures(one.figures, figuresOf(resource, one.check, batch, isCounted, spell));
  }
  const results = counted.map(({ check, tally }) => countingResult(check, tally));
  for (const { check, figures } of measured) {
    const verdict = await judge(resource, check, figures, signal);
    results.push({ ...resultHead(check), ...verdict, rows: figures.rows, failed: 0, examples: [] });
  }
  return results;
}

/**
 * Does `pass` for parts of the keys, each of which fits into the budget: one pass where all keys do. `pass` gives `undefined` where they turn out to be
 * too many.
 */
async function byParts(
  pass: (isIn: (hashes: Int32Array, row: number) => boolean, isLast: boolean) => Promise<Tally | undefined>,
): Promise<Tally> {
  for (let parts = 1; ; parts *= 2) {
    let tally: Tally | undefined = noTally;
    for (let part = 0; part < parts && tally !== undefined; part++) {
      const isIn = (hashes: Int32Array, row: number): boolean => (hashes[row]! & (parts - 1)) === part;
      const more: Tally | undefined = await pass(isIn, parts >= 1024);
      tally = more && addTally(tally, more);
    }
    if (tally !== undefined) return tally;
  }
}

async function checkUnique(given: CommittedTable, check: Check, schema: Schema): Promise<CheckResult> {
  const columns = check.columns.map(given.spell);
  const types = typesOf(schema, columns);
  if (types === undefined) return countingResult(check, noTally);
  const tally = await byParts(async (isIn, isLast) => {
    const seen = keyValues();
    let tally = noTally;
    for await (const { batch, isCounted } of scanned(given, columns, schema)) {
      const { rows, values } = wholeRows(vectorsOf(batch, columns), batch.length, isCounted);
      const part = partOf(rows, values, keyHashes(types, values), isIn);
      const twice = seen.add(part.values);
      const failed = Array.from(part.rows).filter((_, i) => twice[i] === 1);
      tally = addTally(tally, found(given.checked, check, batch, failed, part.rows.length).tally);
      if (seen.bytes() > given.budget && !isLast) return undefined;
    }
    return tally;
  });
  return countingResult(check, tally);
}

async function checkReferences(
  given: CommittedTable,
  check: Check,
  schema: Schema,
  target: { readonly table: string; readonly columns: readonly string[] },
): Promise<CheckResult> {
  const { session, checked } = given;
  const columns = check.columns.map(given.spell);
  const own = typesOf(schema, columns);
  if (own === undefined) return countingResult(check, noTally);
  const there = await session.describe(target.table);
  const missing = target.columns.find((name) => !there?.schema.fields.some((field) => field.name === name));
  const others = there && typesOf(there.schema, target.columns);
  const types = own.map((type, i) => others && widenTypes(type, others[i]!));
  if (there === undefined || missing !== undefined || types.some((type) => type === undefined))
    throw resourceError(
      "ALV_CONFIG",
      checked.resource,
      `check ${check.name}: ${there === undefined ? `there is no table ${target.table}` : missing !== undefined ? `table ${target.table} has no column ${missing}` : `columns ${columns.join(", ")} and ${target.columns.join(", ")} of ${target.table} have types that do not compare`}; name a committed table of the destination and columns of it`,
      { step: "check" },
    );
  const wide = types as readonly NonNullable<(typeof types)[number]>[];
  const other: CommittedTable = { ...given, table: target.table, active: undefined };
  const tally = await byParts(async (isIn, isLast) => {
    const known = keyValues();
    for await (const { batch, isCounted } of scanned(other, target.columns, there.schema)) {
      const { rows, values } = wholeRows(vectorsOf(batch, target.columns), batch.length, isCounted);
      known.add(partOf(rows, values, keyHashes(wide, values), isIn).values);
      if (known.bytes() > given.budget && !isLast) return undefined;
    }
    let tally = noTally;
    for await (const { batch, isCounted } of scanned(given, columns, schema)) {
      const { rows, values } = wholeRows(vectorsOf(batch, columns), batch.length, isCounted);
      const part = partOf(rows, values, keyHashes(wide, values), isIn);
      const has = known.has(part.values);
      const failed = Array.from(part.rows).filter((_, i) => has[i] === 0);
      tally = addTally(tally, found(checked, check, batch, failed, part.rows.length).tally);
    }
    return tally;
  });
  return countingResult(check, tally);
}

async function checkBySql(
  { session, table, signal, checked }: CommittedTable,
  check: Check,
  text: string,
): Promise<CheckResult> {
  const first = check.examples && checked.masked.length === 0 ? MOST_EXAMPLES : 0;
  const there = await session.describe(table);
  if (there === undefined) return countingResult(check, noTally);
  const { rows, first: examples } = await session.query!(text, { table, first, signal }).catch(
    (error: unknown) => {
      throw AlluviumError.is(error)
        ? resourceError(error.code, checked.resource, `check ${check.name}: ${error.message}`, {
            step: "check",
            cause: error,
            retryable: error.retryable,
          })
        : error;
    },
  );
  return countingResult(check, { rows, failed: rows, examples });
}

/** The types of columns; `undefined` where the table lacks one, so that there is nothing to compare. */
function typesOf(
  { fields }: Schema,
  columns: readonly string[],
): Schema["fields"][number]["type"][] | undefined {
  const types = columns.flatMap((name) => fields.find((field) => field.name === name)?.type ?? []);
  return types.length === columns.length && types.every(({ kind }) => kind !== "null") ? types : undefined;
}

function vectorsOf(batch: Batch, columns: readonly string[]): readonly Vector[] {
  return columns.map((name) => columnOf(batch, name)!);
}

/** The rows whose keys belong to a part. */
function partOf(
  rows: Int32Array,
  values: readonly Vector[],
  hashes: Int32Array,
  isIn: (hashes: Int32Array, row: number) => boolean,
): { readonly rows: Int32Array; readonly values: readonly Vector[] } {
  const indexes = Int32Array.from(rows.keys()).filter((i) => isIn(hashes, i));
  if (indexes.length === rows.length) return { rows, values };
  return {
    rows: indexes.map((i) => rows[i]!),
    values: values.map((column) => takeVector(column, indexes)),
  };
}
