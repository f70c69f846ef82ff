import { columnOf, type Batch } from "../columns/batch.ts";
import { jsonReader } from "../columns/json.ts";
import { scalarReader } from "../columns/scalar.ts";
import { rootId, rowId } from "../nesting/system-columns.ts";
import type { RefusedRow } from "../refused-row.ts";
import { encodeSchema } from "../state/schema-codec.ts";
import type { Json } from "../state/json.ts";
import type { TablePart } from "./nested-tables.ts";
import type { Offence, Restricted } from "./restrict.ts";

/** What becomes of the rows of a batch of which some may not be stored. */
export interface Refusal {
  /** The rows that stay. */
  readonly kept: Int32Array;
  /** The rows that go into the quarantine. */
  readonly refused: readonly RefusedRow[];
  /** How many rows are left out. */
  readonly discarded: number;
}

/**
 * The rows of `batch` that offend, by themselves or by a row of theirs in a child table; `undefined`: none does. `parts` are the tables that the
 * batch was divided into, the root first, and `restricted` what their contracts say.
 */
export function refusalOf(
  batch: Batch,
  parts: readonly TablePart[],
  restricted: readonly Restricted[],
): Refusal | undefined {
  if (restricted.every(({ offences }) => offences.length === 0)) return undefined;
  const byRow = new Map<number, Offence>();
  const rootRows = rowNumbers(parts[0]!.batch);
  restricted.forEach(({ offences }, i) => {
    const part = parts[i]!.batch;
    const roots = i === 0 ? undefined : idReader(part, rootId);
    for (const offence of offences) {
      const row = roots === undefined ? offence.row : rootRows().get(roots(offence.row))!;
      // A row that is kept for somebody to look at is worth more than one that is left out.
      const before = byRow.get(row);
      if (before === undefined || (before.policy !== "quarantine" && offence.policy === "quarantine"))
        byRow.set(row, offence);
    }
  });
  const { schema, columns, length } = batch;
  const read = jsonReader({
    layout: "struct",
    type: { kind: "struct", fields: schema.fields },
    length,
    nullCount: 0,
    validity: undefined,
    children: columns,
  });
  const types = encodeSchema(schema) as Json;
  const kept: number[] = [];
  const refused: RefusedRow[] = [];
  let discarded = 0;
  for (let row = 0; row < length; row++) {
    const offence = byRow.get(row);
    if (offence === undefined) kept.push(row);
    else if (offence.policy !== "quarantine") discarded += 1;
    else refused.push(refusedRow(offence, read(row), types));
  }
  return { kept: Int32Array.from(kept), refused, discarded };
}

function refusedRow({ rule, column, message, reason: given }: Offence, row: string, types: Json): RefusedRow {
  const reason = given ?? (rule === "column" || rule === "table" ? "ALV_SCHEMA_CONFLICT" : "ALV_ROW_INVALID");
  return { stage: "write", reason, rule, column, message, row, types };
}

function idReader(batch: Batch, column: string): (row: number) => string {
  const read = scalarReader(columnOf(batch, column)!);
  return (row) => String(read(row) as string);
}

function rowNumbers(root: Batch): () => ReadonlyMap<string, number> {
  let rows: Map<string, number> | undefined;
  return () => {
    if (rows !== undefined) return rows;
    const id = idReader(root, rowId);
    rows = new Map(Array.from({ length: root.length }, (_, row) => [id(row), row]));
    return rows;
  };
}
