import { AlluviumError, type Field, type RowCounts, type Validity } from "@alluvium/core";
import { comparedFields } from "@alluvium/core/merge";
import type { SqlContext } from "../context.ts";
import { keyFields } from "../pending-table.ts";
import { equalColumns, nameList } from "../standard.ts";
import { changesOf } from "../union.ts";
import { ownColumns, validityOf } from "../validity.ts";
import type { TableChange } from "./change.ts";
import { deletes } from "./fold.ts";
import { foldedHistory } from "./folded-history.ts";
import { withWorkTable } from "./work-table.ts";

/** What the parts of a history share. */
export interface HistoryContext {
  readonly context: SqlContext;
  readonly change: TableChange;
  readonly validity: Validity;
  readonly keys: readonly Field[];
  /** Columns that rows of the load bring. */
  readonly own: readonly Field[];
  /** Those of them whose values make versions differ. */
  readonly compared: readonly Field[];
  /** When versions begin and end, in microseconds since 1970. */
  readonly boundary: bigint;
  /** The table, quoted. */
  readonly table: string;
  /** Whether the table had no versions before. */
  readonly empty: boolean;
}

/** Ends versions and begins new ones. `now` in microseconds since 1970. */
export async function history(context: SqlContext, change: TableChange, now: bigint): Promise<RowCounts> {
  const { plan, schema, target, restart, staged } = change;
  const validity = validityOf(plan);
  if (validity === undefined) throw new AlluviumError("ALV_INTERNAL", `table ${plan.table} keeps no history`);
  const own = ownColumns(plan, schema).fields;
  const table = context.dialect.table(plan.table);
  const empty = target.create || restart !== undefined;
  const last = empty ? undefined : await lastTime(context, table, validity);
  const parts: HistoryContext = {
    context,
    change,
    validity,
    keys: keyFields(plan, schema),
    own,
    compared: comparedFields(own),
    boundary: boundaryOf(plan.table, validity, last, now),
    table,
    empty,
  };
  // What depends on more than the row before is folded outside of the database.
  const simple =
    plan.merge?.orderBy === undefined &&
    (validity.boundary === undefined || "at" in validity.boundary) &&
    staged.every(({ form, truncate }) => form !== "partial" && truncate === undefined);
  const counts = simple ? await plainHistory(parts) : await foldedHistory(parts);
  if (!validity.retireAbsent || !change.ended || empty) return counts;
  return { ...counts, deleted: counts.deleted + (await retireAbsent(parts)) };
}

async function lastTime(
  { connection, dialect }: SqlContext,
  table: string,
  { from, to }: Validity,
): Promise<bigint | undefined> {
  const times = [from, to].map(
    (name, i) => `cast(${dialect.toMicros(`max(t.${dialect.quote(name)})`)} as varchar) as n${i}`,
  );
  const [row] = await connection.query({ text: `select ${times.join(", ")} from ${table} as t` });
  const found = [row?.["n0"], row?.["n1"]].flatMap((text) =>
    typeof text === "string" ? [BigInt(text)] : [],
  );
  return found.length === 0 ? undefined : found.reduce((a, b) => (a > b ? a : b));
}

function boundaryOf(table: string, { boundary }: Validity, last: bigint | undefined, now: bigint): bigint {
  const next = last === undefined ? undefined : last + 1n;
  if (boundary !== undefined && "at" in boundary) {
    const at = BigInt(boundary.at) * 1000n;
    if (next === undefined || at >= next) return at;
    if (last! < at + 1000n) return next;
    throw new AlluviumError(
      "ALV_CONFIG",
      `boundary is ${new Date(boundary.at).toISOString()}, and table ${table} has versions that begin or end later, at ${new Date(Number(last! / 1000n)).toISOString()}: choose a later time`,
      { resource: table },
    );
  }
  return next === undefined || now >= next ? now : next;
}

/** Changes of whole rows, each compared with the one before it. */
async function plainHistory(parts: HistoryContext): Promise<RowCounts> {
  const { context, change, keys, own } = parts;
  const { dialect } = context;
  const fields = { fields: own };
  const changes = changesOf(dialect, change.staged, fields);
  const partition = nameList(keys, "c.");
  const events = `select ${nameList(own, "c.")}, ${deletes(context, change.plan, "c")} as _alv_delete, row_number() over (partition by ${partition} order by c._alv_seq) as _alv_event from ${changes} as c`;
  return withWorkTable(context, events, (table) =>
    withWorkTable(context, changedEvents(parts, table), (kept) => applyEvents(parts, kept)),
  );
}

/** The events that change something: rows that differ from what their key had, and ends. */
function changedEvents(
  { context, table, validity, keys, own, compared, empty }: HistoryContext,
  events: string,
): string {
  const { dialect } = context;
  const equal = (left: string): string =>
    compared
      .map(({ name, type }) =>
        dialect.same(`${left}.${dialect.quote(name)}`, `e.${dialect.quote(name)}`, type),
      )
      .join(" and ");
  const present = (alias: string): string => `${alias}.${dialect.quote(keys[0]!.name)} is not null`;
  const stored = empty
    ? { join: "", had: "false", same: "false" }
    : {
        join: ` left join ${table} as t on e._alv_event = 1 and ${equalColumns(keys, "t", "e")} and t.${dialect.quote(validity.active)}`,
        had: present("t"),
        same: `(${present("t")} and ${equal("t")})`,
      };
  const had = `(case when e._alv_event = 1 then ${stored.had} else not p._alv_delete end)`;
  const same = `(case when e._alv_event = 1 then ${stored.same} else (not p._alv_delete and ${equal("p")}) end)`;
  return `select ${nameList(own, "e.")}, e._alv_delete, e._alv_event, ${had} as _alv_had from ${events} as e left join ${events} as p on ${equalColumns(keys, "p", "e")} and p._alv_event = e._alv_event - 1${stored.join} where case when e._alv_delete then ${had} else not ${same} end`;
}

/** Gives the events their times, ends the versions that were active, and adds new ones. */
async function applyEvents(parts: HistoryContext, kept: string): Promise<RowCounts> {
  const { context, validity, keys, own, boundary, table, empty } = parts;
  const { connection, dialect } = context;
  const window = `partition by ${nameList(keys, "k.")} order by k._alv_event`;
  const begun = `coalesce(sum(case when k._alv_delete then 0 else 1 end) over (${window} rows between unbounded preceding and 1 preceding), 0)`;
  const times = `select k.*, cast(${boundary} as bigint) + cast(${begun} as bigint) as _alv_time, row_number() over (${window}) as _alv_nth from ${kept} as k`;
  const timed = `select k.*, lead(k._alv_time) over (${window}) as _alv_until from (${times}) as k`;
  return withWorkTable(context, timed, async (rows) => {
    const [counted] = await connection.query({
      text: `select count(*) filter (where not k._alv_delete) as inserted, count(*) filter (where not k._alv_delete and k._alv_had) as updated, count(*) filter (where k._alv_delete) as deleted from ${rows} as k`,
    });
    if (!empty)
      await connection.execute({
        text: `update ${table} as t set ${dialect.quote(validity.to)} = ${dialect.fromMicros("s._alv_time")}, ${dialect.quote(validity.active)} = false from ${rows} as s where ${equalColumns(keys)} and t.${dialect.quote(validity.active)} and s._alv_nth = 1 and s._alv_had`,
      });
    const columns = [...own.map(({ name }) => name), validity.from, validity.to, validity.active];
    await connection.execute({
      text: `insert into ${table} (${columns.map((name) => dialect.quote(name)).join(", ")}) select ${nameList(own, "s.")}, ${dialect.fromMicros("s._alv_time")}, ${dialect.fromMicros("s._alv_until")}, s._alv_until is null from ${rows} as s where not s._alv_delete`,
    });
    return {
      inserted: Number(counted?.["inserted"] ?? 0),
      updated: Number(counted?.["updated"] ?? 0),
      deleted: Number(counted?.["deleted"] ?? 0),
    };
  });
}

/** Ends the active versions of keys that the load did not bring. */
async function retireAbsent({
  context,
  change,
  validity,
  keys,
  boundary,
  table,
}: HistoryContext): Promise<number> {
  const { connection, dialect } = context;
  const brought = changesOf(dialect, change.staged, { fields: keys });
  const old = change.staged.flatMap(({ form, segment }) =>
    form === "partial"
      ? [
          `not exists (select 1 from ${segment.relation} as o where ${keys.map(({ name }, i) => `o.${dialect.quote(`_alv_old_${i}`)} = t.${dialect.quote(name)}`).join(" and ")})`,
        ]
      : [],
  );
  const absent = [
    ...(change.staged.length === 0
      ? []
      : [`not exists (select 1 from ${brought} as s where ${equalColumns(keys)} and s._alv_op <> 3)`]),
    ...old,
  ];
  const active = `t.${dialect.quote(validity.active)}`;
  return connection.execute({
    text: `update ${table} as t set ${dialect.quote(validity.to)} = ${dialect.fromMicros(`cast(${boundary} as bigint)`)}, ${dialect.quote(validity.active)} = false where ${[active, ...absent].join(" and ")}`,
  });
}
