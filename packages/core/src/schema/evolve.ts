import type { Capabilities } from "../destination.ts";
import { AlluviumError, type ErrorCode } from "../errors.ts";
import type { SchemaChange } from "./schema-change.ts";
import { describeType } from "./describe.ts";
import { sameType } from "./equal.ts";
import { isNested, membersOf, sameItems, withMembers, withType } from "./members.ts";
import type { ColumnType, Field, Schema } from "./types.ts";
import { variantsOf, type VariantNames } from "./variants.ts";
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
  /** Whether a committed column can be given a wider type in place; asked for whole columns, structs included. @default never */
  readonly widens?: Capabilities["widens"];
  /**
   * Whether values of a column that is in a committed table may go into variant columns where they do not fit: then a type that the
   * column cannot hold changes nothing, and `splitBatch` takes the values out that do not fit. @default never
   */
  readonly splits?: ((column: string) => boolean) | undefined;
  /** The variants among the columns of `incoming`, as {@link splitBatch} gives them. @default none */
  readonly variants?: ReadonlyMap<string, string> | undefined;
  /** Bytes that a name may have, by which names of variants are known. @default no limit */
  readonly maxLength?: number | undefined;
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
 * A committed column can hold narrower types, and in a `string` or `json` column any scalar's text or any value's JSON; see `castVector`.
 * A type that it cannot hold widens it where `widens` says so; is left to `splitBatch` where `splits` says so; and is `ALV_SCHEMA_CONFLICT`
 * naming column and both types otherwise. Ids and names of `current` are kept. Variant columns are not missed where no value is for them.
 */
export function evolveSchema(
  current: Schema | undefined,
  incoming: Schema,
  options: EvolveOptions,
): Evolution {
  const { committed, contract, foldCase = false, table, widens, splits, variants, maxLength } = options;
  const names: VariantNames = { foldCase, maxLength };
  const changes: SchemaChange[] = [];

  function refuse(code: ErrorCode, column: string, why: string): AlluviumError {
    const place = table === undefined ? "" : `table "${table}", `;
    return new AlluviumError(code, `${place}column "${column}" ${why}`);
  }

  function keyOf(name: string): string {
    return foldCase ? name.toLowerCase() : name;
  }

  function byName(fields: readonly Field[]): Map<string, Field> {
    const named = new Map<string, Field>();
    for (const field of fields) {
      const other = named.get(keyOf(field.name));
      if (other !== undefined)
        throw refuse(
          "ALV_NAME_COLLISION",
          field.name,
          `and column "${other.name}" are one: rename one of them`,
        );
      named.set(keyOf(field.name), field);
    }
    return named;
  }

  function arrive(kind: "columnAdded" | "columnBound", column: string, type: ColumnType): void {
    if (contract === "freeze" && committed)
      throw refuse(
        "ALV_SCHEMA_CONFLICT",
        column,
        'is new, and the table\'s contract is "freeze": select the columns that it has, or use the contract "evolve"',
      );
    const owner = variants?.get(column);
    changes.push(
      owner === undefined
        ? { kind, column, type }
        : { kind: "variantAdded", column: owner, variant: column, type },
    );
  }

  function evolveFields(
    own: readonly Field[],
    others: readonly Field[],
    fixed: readonly Field[] | undefined,
    parent: Place | undefined,
  ): readonly Field[] {
    const news = byName(others);
    const known = fixed && byName(fixed);
    const prefix = parent === undefined ? "" : `${parent.path}.`;
    const ownVariants = variantsOf(own, names);
    const fields = own.map((field, i) => {
      const key = keyOf(field.name);
      const other = news.get(key);
      news.delete(key);
      const path = prefix + field.name;
      if (other !== undefined) {
        const whole = (type: ColumnType): ColumnType =>
          parent === undefined
            ? type
            : parent.whole({ kind: "struct", fields: own.with(i, { ...field, type }) });
        const column = parent?.column ?? { name: field.name, type: field.type };
        return evolveField(field, other, known?.get(key), { path, column, whole });
      }
      if (!ownVariants.has(field.name)) changes.push({ kind: "columnMissing", column: path });
      return field.nullable ? field : { ...field, nullable: true };
    });
    for (const field of news.values()) {
      if (field.type.kind !== "null") arrive("columnAdded", prefix + field.name, field.type);
      fields.push({ ...field, nullable: true });
    }
    return fields;
  }

  function evolveField(own: Field, other: Field, fixed: Field | undefined, place: Place): Field {
    const field = withType(own, evolveType(own.type, other.type, fixed?.type, place));
    return field.nullable || !other.nullable ? field : { ...field, nullable: true };
  }

  function evolveType(
    own: ColumnType,
    other: ColumnType,
    fixed: ColumnType | undefined,
    place: Place,
  ): ColumnType {
    const { path, column } = place;
    if (other.kind === "null" || own === other) return own;
    if (own.kind === "null") {
      arrive("columnBound", path, other);
      return other;
    }
    if (isNested(own) && own.kind === other.kind) {
      const [members, others] = [membersOf(own), membersOf(other)];
      const known = fixed?.kind === own.kind ? membersOf(fixed) : undefined;
      if (own.kind === "struct") return withMembers(own, evolveFields(members, others, known, place));
      const marks = own.kind === "list" ? ["[]"] : ["{key}", "{}"];
      return withMembers(
        own,
        members.map((member, i) => {
          const whole = (type: ColumnType): ColumnType =>
            place.whole(withMembers(own, members.with(i, { ...member, type })));
          return evolveField(member, others[i]!, known?.[i], { ...place, path: path + marks[i]!, whole });
        }),
      );
    }
    const wide = widenTypes(own, other);
    if (wide !== undefined && sameType(wide, own)) return own;
    const isFree = fixed === undefined || fixed.kind === "null";
    if (wide !== undefined && (isFree || widens?.(column.type, place.whole(wide)) === true)) {
      changes.push({ kind: "columnWidened", column: path, from: own, to: wide });
      return wide;
    }
    if (own.kind === "json" || (own.kind === "string" && !isNested(other))) return own;
    if (splits?.(column.name) === true) return own;
    throw refuse(
      "ALV_SCHEMA_CONFLICT",
      path,
      `is ${describeType(own)}, and ${describeType(other)} does not fit it; ${
        wide === undefined
          ? 'no type holds both exactly: change the type at the source, or choose one with a column hint ({ type: "json" } holds anything)'
          : "the type of a committed column does not change: keep it with a column hint, or load into a new table"
      }`,
    );
  }

  if (current === undefined || (current.fields.length === 0 && !committed)) {
    byName(incoming.fields);
    return { schema: incoming, changes: [{ kind: "tableCreated" }] };
  }
  const known = committed === true ? current : committed || undefined;
  const fields = evolveFields(current.fields, incoming.fields, known?.fields, undefined);
  return { schema: sameItems(fields, current.fields) ? current : { fields }, changes };
}

/** Where a type stands in a table. */
interface Place {
  /** For messages and changes: `address.city`. */
  readonly path: string;
  /** The column that it is of, or a part of. */
  readonly column: { readonly name: string; readonly type: ColumnType };
  /** The column's type with another type here. */
  readonly whole: (type: ColumnType) => ColumnType;
}
