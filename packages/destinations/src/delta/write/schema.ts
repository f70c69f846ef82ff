import { AlluviumError } from "@alluvium/core";
import { typeText, type DeltaField, type DeltaStruct, type DeltaType } from "../types.ts";

/** How {@link mergeSchema} treats what differs. */
export interface MergeOptions {
  readonly table: string;
  /** Whether the files at hand may hold nulls in this top-level column. */
  readonly mayHoldNulls: (column: string) => boolean;
  /** Whether a NOT NULL column of the table may become nullable: only where the table is the pipeline's own. */
  readonly mayRelax: boolean;
}

/**
 * The table's schema with the columns and members of ours added; the same object where it has them all. What others put into
 * `metadata` (comments, ids) stays. New columns are nullable, because older files lack them. A type that differs is
 * `ALV_SCHEMA_CONFLICT` naming the column and both types.
 */
export function mergeSchema(base: DeltaStruct, ours: DeltaStruct, options: MergeOptions): DeltaStruct {
  const { table, mayHoldNulls, mayRelax } = options;
  let changed = false;
  const fields = base.fields.map((field) => {
    const mine = ours.fields.find(({ name }) => name.toLowerCase() === field.name.toLowerCase());
    if (mine === undefined) {
      if (field.nullable || !mayHoldNulls(field.name)) return field;
      if (!mayRelax) throw notNull(table, field.name, "this load has no such column");
      changed = true;
      return { ...field, nullable: true };
    }
    if (mine.name !== field.name)
      throw conflict(
        table,
        `column "${mine.name}" is spelled "${field.name}" in the table; Delta ignores case, other readers do not. Rename it.`,
      );
    const type = mergeType(field.type, mine.type, field.name, table);
    let { nullable } = field;
    if (!nullable && mine.nullable && mayHoldNulls(field.name)) {
      if (!mayRelax) throw notNull(table, field.name, "this load may hold nulls in it");
      nullable = true;
    }
    if (type === field.type && nullable === field.nullable) return field;
    changed = true;
    return { ...field, type, nullable };
  });
  const added = missing(base, ours).map((field) => ({ ...field, nullable: true }));
  return changed || added.length > 0 ? { type: "struct", fields: [...fields, ...added] } : base;
}

function missing(base: DeltaStruct, ours: DeltaStruct): readonly DeltaField[] {
  const known = new Set(base.fields.map(({ name }) => name.toLowerCase()));
  return ours.fields.filter(({ name }) => !known.has(name.toLowerCase()));
}

function mergeType(base: DeltaType, ours: DeltaType, path: string, table: string): DeltaType {
  if (typeof base === "string") {
    if (base === ours) return base;
    // A column that was never known to hold anything is bound now.
    if (base === "void") return ours;
  } else if (typeof ours !== "string") {
    if (base.type === "struct" && ours.type === "struct") return mergeStruct(base, ours, path, table);
    if (base.type === "array" && ours.type === "array") {
      const elementType = mergeType(base.elementType, ours.elementType, `${path}.element`, table);
      const containsNull = base.containsNull || ours.containsNull;
      return elementType === base.elementType && containsNull === base.containsNull
        ? base
        : { ...base, elementType, containsNull };
    }
    if (base.type === "map" && ours.type === "map") {
      const keyType = mergeType(base.keyType, ours.keyType, `${path}.key`, table);
      const valueType = mergeType(base.valueType, ours.valueType, `${path}.value`, table);
      const valueContainsNull = base.valueContainsNull || ours.valueContainsNull;
      return keyType === base.keyType &&
        valueType === base.valueType &&
        valueContainsNull === base.valueContainsNull
        ? base
        : { ...base, keyType, valueType, valueContainsNull };
    }
  }
  throw conflict(
    table,
    `column "${path}" is ${typeText(base)} in the table and ${typeText(ours)} in this load. ` +
      "Cast the column to the table's type, or load it under another name.",
  );
}

/** Members follow the rules of columns, but nobody counts their nulls: they become nullable where ours are. */
function mergeStruct(base: DeltaStruct, ours: DeltaStruct, path: string, table: string): DeltaStruct {
  let changed = false;
  const fields = base.fields.map((field) => {
    const mine = ours.fields.find(({ name }) => name === field.name);
    const type =
      mine === undefined ? field.type : mergeType(field.type, mine.type, `${path}.${field.name}`, table);
    const nullable = field.nullable || mine === undefined || mine.nullable;
    if (type === field.type && nullable === field.nullable) return field;
    changed = true;
    return { ...field, type, nullable };
  });
  const known = new Map(base.fields.map(({ name }) => [name.toLowerCase(), name]));
  const added = ours.fields.flatMap((field) => {
    const other = known.get(field.name.toLowerCase());
    if (other === undefined) return [{ ...field, nullable: true }];
    if (other === field.name) return [];
    throw conflict(table, `member "${path}.${field.name}" is spelled "${other}" in the table. Rename it.`);
  });
  return changed || added.length > 0 ? { type: "struct", fields: [...fields, ...added] } : base;
}

function notNull(table: string, column: string, reason: string): AlluviumError {
  return conflict(
    table,
    `column "${column}" is NOT NULL in the table, but ${reason}. Drop the constraint from the table, or fill the column.`,
  );
}

function conflict(table: string, message: string): AlluviumError {
  return new AlluviumError("ALV_SCHEMA_CONFLICT", `table "${table}": ${message}`, { resource: table });
}
