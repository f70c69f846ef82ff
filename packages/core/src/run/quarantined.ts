import { rowsOf } from "../columns/rows.ts";
import type { DestinationSession } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { restoredJson } from "../read/restored-json.ts";
import type { RefusedRow } from "../refused-row.ts";
import type { Json } from "../state/json.ts";
import type { PipelineState } from "../state/state.ts";
import { quarantineFields } from "./quarantine-table.ts";
import { writtenValue } from "./written-rows.ts";

/** A row that was refused and waits in the quarantine of its table: neither replayed nor dropped since. */
export interface QuarantinedRow extends Omit<RefusedRow, "row" | "types" | "reason"> {
  /** Names the row as long as it waits. */
  readonly id: string;
  /** Name of the table that it was for. */
  readonly table: string;
  /** An `ErrorCode`: the kind of problem. */
  readonly reason: string;
  /**
   * The row as it was when it was refused: as `read` yielded it (`stage: "read"`), or with the values of its columns in user form after all transforms
   * (`stage: "write"`).
   */
  readonly row: unknown;
  /** The load that it came with, or with which it was refused again. */
  readonly loadId: string;
  readonly recordedAt: Date;
}

/** The same, and as it is stored. */
export interface StoredRefusal {
  readonly refusal: QuarantinedRow;
  readonly text: string;
  readonly types: Json | undefined;
}

/** The quarantine of a resource's table. */
export interface QuarantineOf {
  readonly table: string;
  /** `undefined`: nothing of the table was ever refused. */
  readonly quarantine: string | undefined;
}

/** Finds the quarantine of a resource. `ALV_CONFIG` names the resources that there are. */
export function quarantineOf(state: PipelineState | undefined, resource: string): QuarantineOf {
  const tables = Object.entries(state?.tables ?? {});
  const own = tables.filter(([, { nested, quarantineOf: of }]) => nested === undefined && of === undefined);
  const table = own.find(([, known]) => known.resource === resource)?.[0];
  const log = tables.find(([, { quarantineOf: of }]) => of !== undefined && of === table);
  if (table !== undefined) return { table, quarantine: log?.[0] };
  throw new AlluviumError(
    "ALV_CONFIG",
    `resource is ${JSON.stringify(resource)}; the pipeline has loaded ${own.map(([, known]) => known.resource).join(", ") || "nothing yet"}`,
    { resource },
  );
}

/** Which rows of a quarantine are asked for. */
export interface OutstandingOptions {
  /** These only; those of them that do not wait any more are left out. @default all */
  readonly ids?: readonly string[] | undefined;
  /** So many, the oldest. @default all */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The rows of a quarantine that wait, the oldest first, and how many more there are. */
export async function readOutstanding(
  session: DestinationSession,
  of: QuarantineOf,
  { ids, limit = Infinity, signal }: OutstandingOptions,
): Promise<{ readonly rows: readonly StoredRefusal[]; readonly more: number }> {
  const { quarantine } = of;
  if (quarantine === undefined) return { rows: [], more: 0 };
  const waiting = await outstandingIds(session, quarantine, signal);
  const wanted = ids && new Set(ids);
  const all = [...waiting.keys()].filter((id) => wanted?.has(id) ?? true).sort(compareIds);
  const chosen = new Set(all.slice(0, limit));
  const found: StoredRefusal[] = [];
  if (chosen.size > 0)
    // Of one that was refused several times the last word counts.
    for await (const row of scanRefusals(session, of, {
      signal,
      takes: ({ id, _alv_load_id: loadId }) => chosen.has(id) && waiting.get(id) === loadId,
    }))
      found.push(row);
  return {
    rows: found.sort((a, b) => compareIds(a.refusal.id, b.refusal.id)),
    more: all.length - chosen.size,
  };
}

/** Every refusal that a quarantine has; of one row there may be several. */
export async function* scanRefusals(
  session: DestinationSession,
  { table, quarantine }: QuarantineOf,
  options: { readonly signal?: AbortSignal | undefined; readonly takes?: (cells: Cells) => boolean },
): AsyncGenerator<StoredRefusal> {
  const { signal, takes = () => true } = options;
  for await (const batch of session.scan!(quarantine!, { columns: names, signal }))
    for (const cells of rowsOf<Cells>(batch))
      if (cells.event === "refused" && takes(cells)) yield storedRefusal(table, cells);
}

/** The ids of the rows that wait, each with the load that spoke of it last. */
async function outstandingIds(
  session: DestinationSession,
  quarantine: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const waiting = new Map<string, string>();
  const settled = new Set<string>();
  const columns = ["id", "event", "_alv_load_id"];
  for await (const batch of session.scan!(quarantine, { columns, signal }))
    for (const { id, event, _alv_load_id: loadId } of rowsOf<Cells>(batch)) {
      if (event !== "refused") settled.add(id);
      else if ((waiting.get(id) ?? "") < loadId) waiting.set(id, loadId);
    }
  for (const id of settled) waiting.delete(id);
  return waiting;
}

const names = quarantineFields.map(({ name }) => name);

/** A row of the log. */
interface Cells {
  readonly id: string;
  readonly event: string;
  readonly operation: string | null;
  readonly stage: string;
  readonly reason: string;
  readonly rule: string;
  readonly column_name: string | null;
  readonly message: string;
  readonly row: string;
  readonly types: string | null;
  readonly key: string | null;
  readonly position: string | null;
  readonly recorded_at: Date;
  readonly _alv_load_id: string;
}

function storedRefusal(table: string, cells: Cells): StoredRefusal {
  const { id, stage, reason, rule, message, row: text } = cells;
  const [types, key, position] = [cells.types, cells.key, cells.position].map((json) =>
    json === null ? undefined : (JSON.parse(json) as Json),
  );
  const refusal: QuarantinedRow = {
    id,
    table,
    stage: stage as RefusedRow["stage"],
    reason,
    rule,
    ...(cells.column_name !== null && { column: cells.column_name }),
    message,
    row: refusedValue(stage as RefusedRow["stage"], text, types),
    ...(cells.operation !== null && { operation: cells.operation as "update" }),
    ...(key !== undefined && { key }),
    ...(position !== undefined && { position }),
    loadId: cells._alv_load_id,
    recordedAt: cells.recorded_at,
  };
  return { refusal, text, types };
}

/** A row that was refused, made of what is stored of it: anew with each call, so that it may be changed. */
export function refusedValue(stage: RefusedRow["stage"], text: string, types: Json | undefined): unknown {
  return stage === "read" ? restoredJson(text, types) : writtenValue(text, types!);
}

/** Ids begin with that of their load, which is ordered by time, and end with the number of the row in it. */
function compareIds(a: string, b: string): number {
  const [i, j] = [a.lastIndexOf("-"), b.lastIndexOf("-")];
  const [x, y] = [a.slice(0, i), b.slice(0, j)];
  return x === y ? Number(a.slice(i + 1)) - Number(b.slice(j + 1)) : x < y ? -1 : 1;
}
