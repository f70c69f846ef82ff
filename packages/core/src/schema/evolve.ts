import { AlluviumError } from "../errors.ts";
import type { SchemaChange } from "../run/events.ts";
import { describeType } from "./describe.ts";
import { sameType } from "./equal.ts";
import type { ColumnType, Field, Schema } from "./types.ts";
import { widenTypes } from "./widen.ts";

/** Options of {@link evolveSchema}. */
export interface EvolveOptions {
  /**
   * What of `current` is already committed, and so keeps its types: all of it (`true`), nothing (`false`, `undefined`), or the schema
   * as of the last commit – columns added since may still widen.
   */
  readonly committed: boolean | Schema | undefined;
  /** `freeze`: a column that is new to a committed table is `ALV_SCHEMA_CONFLICT`. @default "evolve" */
  readonly contract?: "evolve" | "freeze" | undefined;
  /** Names that differ in case only are one (Delta). @default false */
  readonly foldCase?: boolean;
  /** The table's name, for messages. */
  readonly table?: string;
}

/** What {@link evolveSchema} gives. */
export interface Evolution {
  /** The schema that holds both: `current` itself where nothing changes. */
  readonly schema: Schema;
  /** What changed. Relaxing "not null" is no change of its own: compare the schemas. */
  readonly changes: readonly SchemaChange[];
}

/**
 * The schema of a table after rows of another one; where there is no table yet (`current` is `undefined`, or has no columns and nothing is
 * committed), that of the rows. Columns are added at the end (nullable), those of type `null` are bound to the first
 * type seen, types widen while they are not committed, and a column that `incoming` lacks stays, is reported and may be null from
 * now on. Members of structs are treated like columns and named with their path (`address.city`).
 *
 * A type that a committed column cannot hold is `ALV_SCHEMA_CONFLICT` naming column and both types. It can hold narrower types, and
 * in a `string` or `json` column any scalar's text or any value's JSON; see `castVector`. Ids and names of `current` are kept.
 */
export function evolveSchema(
  current: Schema | undefined,
  incoming: Schema,
  options: EvolveOptions,
): Evolution {
  const changes: SchemaChange[] = [];
  const { committed } = options;
  if (current === undefined || (current.fields.length === 0 && !committed)) {
    byName(incoming.fields, options);
    return { schema: incoming, changes: [{ kind: "tableCreated" }] };
  }
  const known = committed === true ? current.fields : committed ? committed.fields : undefined;
  const fields = evolveFields(current.fields, incoming.fields, known, "", options, changes);
  return { schema: fields === current.fields ? current : { fields }, changes };
}

function evolveFields(
  current: readonly Field[],
  incoming: readonly Field[],
  committed: readonly Field[] | undefined,
  parent: string,
  options: EvolveOptions,
  changes: SchemaChange[],
): readonly Field[] {
  const others = byName(incoming, options);
  const fixed = committed && byName(committed, options);
  const fields = current.map((field) => {
    const key = nameKey(field.name, options);
    const other = others.get(key);
    others.delete(key);
    const path = parent + field.name;
    if (other !== undefined) return evolveField(field, other, fixed?.get(key), path, options, changes);
    changes.push({ kind: "columnMissing", column: path });
    return field.nullable ? field : { ...field, nullable: true };
  });
  for (const field of others.values()) {
    const column = parent + field.name;
    if (field.type.kind !== "null") {
      refuseFrozen(column, options);
      changes.push({ kind: "columnAdded", column, type: field.type });
    }
    fields.push({ ...field, nullable: true });
  }
  return fields.length === current.length && fields.every((field, i) => field === current[i])
    ? current
    : fields;
}

function evolveField(
  current: Field,
  incoming: Field,
  committed: Field | undefined,
  path: string,
  options: EvolveOptions,
  changes: SchemaChange[],
): Field {
  const type = evolveType(current.type, incoming.type, committed?.type, path, options, changes);
  const nullable = current.nullable || incoming.nullable;
  return type === current.type && nullable === current.nullable ? current : { ...current, type, nullable };
}

function evolveType(
  current: ColumnType,
  incoming: ColumnType,
  committed: ColumnType | undefined,
  path: string,
  options: EvolveOptions,
  changes: SchemaChange[],
): ColumnType {
  if (incoming.kind === "null" || current === incoming) return current;
  if (current.kind === "null") {
    refuseFrozen(path, options);
    changes.push({ kind: "columnBound", column: path, type: incoming });
    return incoming;
  }
  if (current.kind === "list" && incoming.kind === "list") {
    const fixed = committed?.kind === "list" ? committed.element : undefined;
    const element = evolveField(current.element, incoming.element, fixed, `${path}[]`, options, changes);
    return element === current.element ? current : { kind: "list", element };
  }
  if (current.kind === "map" && incoming.kind === "map") {
    const fixed = committed?.kind === "map" ? committed : undefined;
    const key = evolveField(current.key, incoming.key, fixed?.key, `${path}{key}`, options, changes);
    const value = evolveField(current.value, incoming.value, fixed?.value, `${path}{}`, options, changes);
    return key === current.key && value === current.value ? current : { kind: "map", key, value };
  }
  if (current.kind === "struct" && incoming.kind === "struct") {
    const fixed = committed?.kind === "struct" ? committed.fields : undefined;
    const fields = evolveFields(current.fields, incoming.fields, fixed, `${path}.`, options, changes);
    return fields === current.fields ? current : { kind: "struct", fields };
  }
  return evolveScalar(current, incoming, committed, path, options, changes);
}

function evolveScalar(
  current: ColumnType,
  incoming: ColumnType,
  committed: ColumnType | undefined,
  path: string,
  options: EvolveOptions,
  changes: SchemaChange[],
): ColumnType {
  const wide = widenTypes(current, incoming);
  if (wide !== undefined && sameType(wide, current)) return current;
  if (wide !== undefined && (committed === undefined || committed.kind === "null")) {
    changes.push({ kind: "columnWidened", column: path, from: current, to: wide });
    return wide;
  }
  const nested = incoming.kind === "list" || incoming.kind === "struct" || incoming.kind === "map";
  if (current.kind === "json" || (current.kind === "string" && !nested)) return current;
  const why =
    wide === undefined
      ? 'no type holds both exactly: change the type at the source, or choose one with a column hint ({ type: "json" } holds anything)'
      : "the type of a committed column does not change: keep it with a column hint, or load into a new table";
  throw new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `${place(path, options)} is ${describeType(current)}, and ${describeType(incoming)} does not fit it; ${why}`,
  );
}

function refuseFrozen(column: string, options: EvolveOptions): void {
  if (options.contract !== "freeze" || !options.committed) return;
  throw new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `${place(column, options)} is new, and the table's contract is "freeze": select the columns that it has, or use the contract "evolve"`,
  );
}

function byName(fields: readonly Field[], options: EvolveOptions): Map<string, Field> {
  const named = new Map<string, Field>();
  for (const field of fields) {
    const key = nameKey(field.name, options);
    const other = named.get(key);
    if (other !== undefined)
      throw new AlluviumError(
        "ALV_NAME_COLLISION",
        `${place(field.name, options)} ${other.name === field.name ? "is there twice" : `and column "${other.name}" are one`}: rename or leave out one of them`,
      );
    named.set(key, field);
  }
  return named;
}

function nameKey(name: string, { foldCase }: EvolveOptions): string {
  return foldCase === true ? name.toLowerCase() : name;
}

function place(column: string, { table }: EvolveOptions): string {
  return `${table === undefined ? "" : `table "${table}", `}column "${column}"`;
}
