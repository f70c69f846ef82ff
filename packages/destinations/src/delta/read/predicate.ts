import { AlluviumError, type ColumnType, type Condition } from "@alluvium/core";
import {
  coerceScalar,
  compareScalars,
  isScalar,
  parseScalar,
  scalarReader,
  type Scalar,
  type Vector,
} from "@alluvium/core/columns";
import type { TextCondition } from "../../lake/contract.ts";
import type { Column } from "./columns.ts";

/**
 * A condition on one column, with its values in stored form. Comparisons are those of SQL engines: null matches nothing (but `=` or
 * `in` with null, which ask for it), NaN equals itself and is above every number, text compares by its UTF-8 bytes.
 */
export interface Predicate {
  readonly column: Column;
  readonly op: Condition["op"];
  readonly values: readonly Scalar[];
  readonly matchesNull: boolean;
}

/** Conditions as users write them. An unknown column or a value of another type is `ALV_CONFIG`. */
export function predicatesOf(where: readonly Condition[], columns: readonly Column[]): readonly Predicate[] {
  return where.map(({ column: name, op, value }) => predicate(name, op, value, columns, coerceScalar));
}

/** Conditions as manifests hold them. */
export function textPredicates(
  where: readonly TextCondition[],
  columns: readonly Column[],
): readonly Predicate[] {
  return where.map(({ column: name, op, value }) =>
    predicate(name, op, value, columns, (type, text) => parseScalar(type, text as string)),
  );
}

const operators: ReadonlySet<string> = new Set(["=", "<", "<=", ">", ">=", "in"]);

function predicate(
  name: string,
  op: Condition["op"],
  value: unknown,
  columns: readonly Column[],
  scalarOf: (type: ColumnType, value: unknown) => Scalar | undefined,
): Predicate {
  const column =
    columns.find((candidate) => candidate.name === name) ??
    columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (column === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `where: the table has no column "${name}"; it has ${columns.map((candidate) => candidate.name).join(", ")}`,
    );
  if (!operators.has(op))
    throw new AlluviumError("ALV_CONFIG", `where: "${op}" is no operator; use =, <, <=, >, >= or in`);
  if (!isScalar(column.type))
    throw new AlluviumError(
      "ALV_CONFIG",
      `where: column "${name}" is a ${column.type.kind}, which cannot be compared`,
    );
  if (op === "in" && !Array.isArray(value))
    throw new AlluviumError("ALV_CONFIG", `where: "in" on column "${name}" takes an array of values`);
  const given = op === "in" ? (value as readonly unknown[]) : [value];
  const values: Scalar[] = [];
  let matchesNull = false;
  for (const item of given) {
    if (item === null || item === undefined) {
      matchesNull ||= op === "=" || op === "in";
      continue;
    }
    const scalar = scalarOf(column.type, item);
    if (scalar === undefined)
      throw new AlluviumError(
        "ALV_CONFIG",
        `where: ${shown(item)} is not a value of column "${name}" (${column.type.kind})`,
      );
    values.push(scalar);
  }
  return { column, op, values, matchesNull };
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** Whether one value (null included) satisfies a predicate. */
export function matches({ op, values, matchesNull }: Predicate, value: Scalar | null): boolean {
  if (value === null) return matchesNull;
  if (op === "=" || op === "in") return values.some((wanted) => compareScalars(value, wanted) === 0);
  const bound = values[0];
  if (bound === undefined) return false;
  const order = compareScalars(value, bound);
  switch (op) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

/** Whether a row of `vector` satisfies a predicate. */
export function rowMatcher(test: Predicate, vector: Vector): (row: number) => boolean {
  if (vector.layout === "dictionary" && vector.nullCount === 0) {
    // A constant column is decided once, a dictionary once per entry.
    const read = scalarReader(vector.dictionary);
    const known: (boolean | undefined)[] = [];
    const { codes } = vector;
    return (row) => (known[codes[row]!] ??= matches(test, read(codes[row]!)));
  }
  if (vector.layout === "null") return () => test.matchesNull;
  const read = scalarReader(vector);
  if (test.op === "in" && test.values.length > 8 && test.values.every((value) => typeof value !== "object")) {
    const wanted = new Set(test.values.map((value) => (value === 0 ? 0 : value)));
    return (row) => {
      const value = read(row);
      return value === null ? test.matchesNull : wanted.has(value as Exclude<Scalar, Uint8Array>);
    };
  }
  return (row) => matches(test, read(row));
}
