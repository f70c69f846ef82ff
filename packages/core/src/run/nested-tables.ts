import type { Batch } from "../columns/batch.ts";
import { nullVector } from "../columns/null-vector.ts";
import type { Capabilities, Follows } from "../destination.ts";
import { takesEffect, type Disposition, type MergeOptions } from "../disposition.ts";
import { resourceError } from "../errors.ts";
import { hasTables, planNesting } from "../nesting/choice.ts";
import { splitNested, type SplitTable } from "../nesting/split.ts";
import { childFields, rootFields, rootId, rowId, withSystemColumns } from "../nesting/system-columns.ts";
import { parseName } from "../nesting/path.ts";
import type { NestingChoice } from "../nesting-option.ts";
import type { Schema } from "../schema/types.ts";
import type { PipelineState, TableState } from "../state/state.ts";
import type { TableDescription } from "../stream.ts";
import { createNestedSpelling, freeName } from "./nested-spelling.ts";
import type { Spelling } from "./spelling.ts";
import type { TableRun } from "./table-run.ts";

export { createNestedSpelling };

/** A table's share of a batch. */
export interface TablePart {
  readonly table: TableRun;
  readonly batch: Batch;
}

/** What becomes of the nested values of a resource in the course of one run. */
export interface NestedTables {
  /** A batch by tables, the root's part first. Child tables turn up with their first rows. */
  split(batch: Batch, loadId: string): Promise<readonly TablePart[]>;
}

/** A child table as it is begun. */
export interface ChildTable {
  readonly description: TableDescription;
  readonly spelling: Spelling;
  readonly disposition: Disposition;
  readonly known: TableState | undefined;
  readonly nested: NonNullable<TableState["nested"]>;
  /** Where rows of the root take the place of others. */
  readonly follows: Follows | undefined;
}

/** What {@link openNested} needs. */
export interface NestedTablesOptions {
  readonly choice: NestingChoice;
  readonly description: TableDescription;
  /** Of the root, in the destination's names. */
  readonly disposition: Disposition;
  readonly merge: MergeOptions | undefined;
  readonly capabilities: Capabilities;
  readonly state: PipelineState | undefined;
  /** A name as the resource's naming spells it. */
  readonly spell: (name: string) => string;
  /** The root. */
  readonly root: () => TableRun;
  /** Begins a child table. `late`: while the run is under way. */
  readonly begin: (child: ChildTable, late: boolean) => Promise<TableRun>;
  /** Takes a table's name, folded, for a resource; gives back who has it already. */
  readonly claim: (table: string, resource: string) => string | undefined;
}

/** The nested tables of a resource, of which those begin at once that the state knows. */
export async function openNested(options: NestedTablesOptions): Promise<NestedTables> {
  const { choice, description, disposition, merge, state, capabilities, spell, root, claim } = options;
  const plan = planNesting(choice);
  const isRelated = hasTables(choice);
  const byContent = disposition.kind === "merge";
  const counts = new Map<string, number>();
  const children = new Map<string, TableRun>();
  const keyOf = (parent: string, path: string): string => `${parent}\n${path}`;

  async function begin(
    name: string,
    table: string,
    nested: NonNullable<TableState["nested"]>,
  ): Promise<TableRun> {
    const known = state?.tables[table];
    const own: TableDescription = {
      name,
      schema: { fields: childFields },
      open: true,
      primaryKey: childDisposition(disposition, merge).kind === "merge" ? [rowId] : [],
      disposition: childDisposition(disposition, merge),
      partitionBy: [],
      naming: description.naming,
      contract: description.contract,
    };
    const child: ChildTable = {
      description: own,
      spelling: createNestedSpelling({ resource: name, table, capabilities, spell, known }),
      disposition: own.disposition,
      known,
      nested,
      follows: own.disposition.kind === "merge" ? { table: nested.root, rowId, rootId } : undefined,
    };
    const run = await options.begin(child, started);
    children.set(keyOf(nested.parent, nested.path), run);
    return run;
  }

  let started = false;
  const rootTable = root().table;
  for (const [table, { nested, resource, stream }] of Object.entries(state?.tables ?? {}))
    if (nested?.root === rootTable && stream === root().plan().stream) {
      claim(table, resource);
      await begin(resource, table, nested);
    }
  started = true;

  /** The table of a list that turns up. */
  async function childOf(parent: TableRun, { path, pointer }: SplitTable): Promise<TableRun> {
    const key = keyOf(parent.table, pointer);
    const there = children.get(key);
    if (there !== undefined) return there;
    const names = parseName(pointer === "" ? "/~value" : pointer).path.map(spell);
    const wanted = `${parent.table}__${names.length === 0 ? "value" : names.join("__")}`;
    const name = `${description.name}.${path}`;
    const own = new Set(Array.from(children.values(), ({ table }) => table));
    const table = freeName(wanted, capabilities, (one) => own.has(one));
    const other = claim(table, name);
    const owner = state?.tables[table];
    if (other !== undefined || owner !== undefined)
      throw resourceError(
        "ALV_NAME_COLLISION",
        description.name,
        `the elements of ${path} become table ${table}, which ${other ?? `resource ${owner!.resource}`} has; name one of the resources with as()`,
        { step: "write" },
      );
    return begin(name, table, { root: rootTable, parent: parent.table, path: pointer });
  }

  return {
    async split(batch, loadId) {
      if (batch.changes?.unchanged !== undefined && isRelated)
        throw resourceError(
          "ALV_UNSUPPORTED",
          description.name,
          `its source leaves out cells that did not change, and what is not there cannot be told apart from the rows of child tables; choose nesting "native" or "json"`,
          { step: "write" },
        );
      const tables = splitNested(batch, plan);
      if (!isRelated) {
        const { schema, columns, length } = tables[0]!;
        return [{ table: root(), batch: { ...batch, schema, columns, length } }];
      }
      const take = (table: string, rows: number): number => {
        const first = counts.get(table) ?? 0;
        counts.set(table, first + rows);
        return first;
      };
      const rule = byContent
        ? ({ by: "content" } as const)
        : ({ by: "place", loadId, scope: description.name, take } as const);
      const runs = new Map<SplitTable, TableRun>();
      const parts: TablePart[] = [];
      for (const { table, batch: rows } of withSystemColumns(tables, batch.changes, rule)) {
        // A list without elements tells no columns of its table; those inside of it have none either.
        if (table.parent !== undefined && rows.length === 0) continue;
        const run = table.parent === undefined ? root() : await childOf(runs.get(table.parent)!, table);
        runs.set(table, run);
        parts.push({ table: run, batch: rows });
      }
      return parts;
    },
  };
}

/** The columns of the root that a schema stands for. */
export function rootSchema(choice: NestingChoice, schema: Schema): Schema {
  const columns = schema.fields.map(({ type }) => nullVector(type, 0));
  const [root] = splitNested({ schema, columns, length: 0 }, planNesting(choice));
  return hasTables(choice) ? { fields: [...root!.schema.fields, ...rootFields] } : root!.schema;
}

/** What happens to the rows of child tables, by what happens to those of the root. */
function childDisposition(root: Disposition, merge: MergeOptions | undefined): Disposition {
  if (root.kind === "append" && root.replaceWhere === undefined) return { kind: "append" };
  if (root.kind === "replace" && root.where === undefined) return { kind: "replace", allowEmpty: true };
  return { kind: "merge", strategy: takesEffect(root, merge) === "end" ? "deleteInsert" : "insertOnly" };
}
