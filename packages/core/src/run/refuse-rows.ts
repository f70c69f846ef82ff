import { ChangeOp, columnOf, type Batch } from "../columns/batch.ts";
import { bitAt } from "../columns/bitmap.ts";
import { jsonReader } from "../columns/json.ts";
import { scalarReader } from "../columns/scalar.ts";
import { isValid } from "../columns/vector.ts";
import { rootId, rowId } from "../nesting/system-columns.ts";
import type { Locate } from "../read/portion.ts";
import { plainJson } from "../read/refused-json.ts";
import type { RefusedRow } from "../refused-row.ts";
import { hasMixed } from "../schema/mixed-type.ts";
import type { Field } from "../schema/types.ts";
import { encodeSchema } from "../state/schema-codec.ts";
import type { Json } from "../state/json.ts";
import type { TablePart } from "./nested-tables.ts";
import type { Offence, Restricted } from "./restrict.ts";
import type { TableRun } from "./table-run.ts";

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
 * batch was divided into, the root first, and `restricted` what their contracts say; `locate` says where rows stood, where the source knows.
 */
export function refusalOf(
  batch: Batch,
  parts: readonly TablePart[],
  restricted: readonly Restricted[],
  locate?: Locate,
): Refusal | undefined {
  const byRow = offencesOf(parts, restricted);
  if (byRow.size === 0) return undefined;
  const tell = rowTeller(batch, parts[0]!.table, locate);
  const kept: number[] = [];
  const refused: RefusedRow[] = [];
  let discarded = 0;
  for (let row = 0; row < batch.length; row++) {
    const offence = byRow.get(row);
    if (offence === undefined) kept.push(row);
    else if (offence.policy !== "quarantine") discarded += 1;
    else refused.push({ ...tell(row), ...refusalReason(offence) });
  }
  return { kept: Int32Array.from(kept), refused, discarded };
}

/** What is wrong with rows of the root, by themselves or by a row of theirs in a child table. */
export function offencesOf(
  parts: readonly TablePart[],
  restricted: readonly Restricted[],
): ReadonlyMap<number, Offence> {
  const byRow = new Map<number, Offence>();
  const rootRows = rowNumbers(parts[0]!.batch);
  restricted.forEach(({ offences }, i) => {
    if (offences.length === 0) return;
    const roots = i === 0 ? undefined : idReader(parts[i]!.batch, rootId);
    for (const offence of offences) {
      const row = roots === undefined ? offence.row : rootRows().get(roots(offence.row))!;
      // A row that is kept for somebody to look at is worth more than one that is left out.
      const before = byRow.get(row);
      if (before === undefined || (before.policy !== "quarantine" && offence.policy === "quarantine"))
        byRow.set(row, offence);
    }
  });
  return byRow;
}

/** Why a row is refused, as a quarantine keeps it. */
export function refusalReason({
  rule,
  column,
  message,
  reason: given,
}: Offence): Pick<RefusedRow, "reason" | "rule" | "column" | "message"> {
  const reason = given ?? (rule === "column" || rule === "table" ? "ALV_SCHEMA_CONFLICT" : "ALV_ROW_INVALID");
  return { reason, rule, column, message };
}

const operations = { [ChangeOp.update]: "update", [ChangeOp.delete]: "delete" } as const;

/** Tells rows of a batch as a quarantine keeps them: with what is needed to write them later as they would have been written now. */
function rowTeller(
  { schema, columns, changes }: Batch,
  { primaryKey, cursorColumn }: TableRun,
  locate: Locate | undefined,
): (row: number) => Pick<RefusedRow, "stage" | "row" | "types" | "operation" | "key" | "position"> {
  const cells = schema.fields.map(({ name }, i) => ({
    name,
    label: JSON.stringify(name),
    read: jsonReader(columns[i]!),
    unchanged: changes?.unchanged?.[i],
  }));
  const types = encodeSchema({ fields: schema.fields.map(withoutMixed) }) as Json;
  const cursor = cells.find(({ name }) => name === cursorColumn);
  const moves = changes?.oldKeys?.columns ?? [];
  return (row) => {
    // A cell that does not change what is stored is left out, so that it does not do so later either.
    const own = cells.filter(({ unchanged }) => unchanged === undefined || !bitAt(unchanged, row));
    const keys = own.filter(({ name }) => primaryKey.includes(name));
    const op = changes?.ops[row] as keyof typeof operations | undefined;
    const isMoved = moves.some((column) => isValid(column, row));
    const operation = isMoved ? "move" : op === undefined ? undefined : operations[op];
    return {
      stage: "write",
      row: `{${own.map(({ label, read }) => `${label}:${read(row)}`).join(",")}}`,
      types,
      ...(operation && { operation }),
      ...(keys.length > 0 && {
        key: Object.fromEntries(keys.map(({ name, read }) => [name, plainJson(read(row))])),
      }),
      ...((cursor ?? locate) && {
        position: {
          ...(cursor && { cursor: { [cursor.name]: plainJson(cursor.read(row)) } }),
          ...locate?.(row),
        },
      }),
    };
  };
}

/** Values of several kinds are each of their own when they are read again. */
function withoutMixed(field: Field): Field {
  return hasMixed(field.type) ? { ...field, type: { kind: "null" } } : field;
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
