import { dayMicros } from "../columns/coerce.ts";
import { columnOf, type Batch } from "../columns/batch.ts";
import { scalarReader } from "../columns/scalar.ts";
import { formatScalar } from "../columns/text.ts";
import { isValid } from "../columns/vector.ts";
import { spanMicros } from "../cursor/shift.ts";
import { resourceError, type AlluviumError } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import type { Check, SourceFigure } from "./check.ts";
import { addSums, isNear, noSum, sumOf, sumText, type Sum } from "./sum.ts";
import { wantedText } from "./row-test.ts";

/** What is measured for the checks of a table as a whole. */
export interface Figures {
  readonly rows: number;
  /** The newest value, in microseconds since 1970. */
  readonly newest: bigint | undefined;
  /** Sums in the order of the check's columns. */
  readonly sums: readonly Sum[];
}

/** How a check of figures came out. */
export interface Verdict {
  readonly passed: boolean;
  readonly value: string | undefined;
  readonly wanted: string;
}

/** Of no rows. */
export function noFigures({ rule, columns }: Check): Figures {
  return { rows: 0, newest: undefined, sums: rule.kind === "reconcile" ? columns.map(() => noSum) : [] };
}

/** Whether a check is about figures: a number of rows, the newest value, sums. */
export function hasFigures({ rule: { kind } }: Check): boolean {
  return kind === "rowCount" || kind === "freshness" || kind === "reconcile";
}

/** The figures of a batch, of those of its rows that are counted. `nameOf` gives the batch's name of a column. */
export function figuresOf(
  resource: string,
  check: Check,
  batch: Batch,
  isCounted: (row: number) => boolean,
  nameOf: (column: string) => string = (column) => column,
): Figures {
  let rows = 0;
  for (let row = 0; row < batch.length; row++) if (isCounted(row)) rows += 1;
  const columns = check.columns.map((name) => columnOf(batch, nameOf(name)));
  const unfit = (at: number, what: string): AlluviumError =>
    resourceError(
      "ALV_CONFIG",
      resource,
      `check ${check.name}: column ${check.columns[at]} is ${describeType(columns[at]!.type)}; ${what}`,
      { step: "write" },
    );
  if (check.rule.kind === "reconcile") {
    const sums = columns.map((column, i) => {
      const sum = column === undefined ? noSum : sumOf(column, isCounted);
      if (sum === undefined) throw unfit(i, "only numbers have sums");
      return sum;
    });
    return { rows, newest: undefined, sums };
  }
  const [column] = columns;
  let newest: bigint | undefined;
  if (check.rule.kind === "freshness" && column !== undefined && column.layout !== "null") {
    const { kind } = column.type;
    if (kind !== "date" && kind !== "timestamp") throw unfit(0, "freshness is that of dates and timestamps");
    const read = scalarReader(column);
    for (let row = 0; row < batch.length; row++) {
      if (!isValid(column, row) || !isCounted(row)) continue;
      const value = read(row);
      const micros = kind === "date" ? dayMicros(value as number) : (value as bigint);
      if (newest === undefined || micros > newest) newest = micros;
    }
  }
  return { rows, newest, sums: [] };
}

/** Both together. */
export function addFigures(a: Figures, b: Figures): Figures {
  const { newest } = b;
  return {
    rows: a.rows + b.rows,
    newest: newest === undefined || (a.newest !== undefined && a.newest > newest) ? a.newest : newest,
    sums: a.sums.map((sum, i) => addSums(sum, b.sums[i]!)),
  };
}

/** Holds figures against what a check wants of them. What a source says is asked for now. */
export async function judge(
  resource: string,
  check: Check,
  figures: Figures,
  signal: AbortSignal,
): Promise<Verdict> {
  const { rule, columns } = check;
  const { rows, newest, sums } = figures;
  const wanted = wantedText(rule);
  if (rule.kind === "rowCount") {
    const { min = 0, max = Infinity } = rule;
    return { passed: rows >= min && rows <= max, value: String(rows), wanted };
  }
  if (rule.kind === "freshness") {
    const value =
      newest === undefined
        ? undefined
        : formatScalar({ kind: "timestamp", zone: "utc" }, newest).replace(/\.0+Z$/, "Z");
    const oldest = BigInt(Date.now()) * 1000n - spanMicros(rule.within);
    return { passed: newest !== undefined && newest >= oldest, value, wanted };
  }
  if (rule.kind !== "reconcile") return { passed: true, value: undefined, wanted };
  const found: readonly (readonly [name: string, Sum, SourceFigure])[] = [
    ...(rule.rows === undefined ? [] : [["rows", { ...noSum, unscaled: BigInt(rows) }, rule.rows] as const]),
    ...columns.map((name, i) => [`sum of ${name}`, sums[i]!, rule.sums![name]!] as const),
  ];
  let passed = true;
  const told: string[] = [];
  for (const [name, sum, figure] of found) {
    signal.throwIfAborted();
    const said = typeof figure === "function" ? await figure({ signal }) : figure;
    const near = isNear(sum, said, rule.tolerance);
    if (near === undefined)
      throw resourceError(
        "ALV_CONFIG",
        resource,
        `check ${check.name}: the source's ${name} is ${String(said)}; it must be a number, a bigint or a decimal text`,
      );
    passed &&= near;
    told.push(`${name} ${String(said)}`);
  }
  return {
    passed,
    value: found.map(([name, sum]) => `${name} ${sumText(sum)}`).join(", "),
    wanted: told.join(", "),
  };
}
