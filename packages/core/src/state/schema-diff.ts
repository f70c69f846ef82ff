import { changeLine } from "../schema/change-text.ts";
import { sameType } from "../schema/equal.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import type { Field } from "../schema/types.ts";
import { variantsOf } from "../schema/variants.ts";
import { decodeSchemaDocument, type SchemaDocument } from "./schema-document.ts";

/** How two states of a pipeline's tables differ. Prints as text. */
export interface SchemaDiff {
  readonly changes: readonly TableChange[];
  /** A line for each change, `orders: + coupon string`; empty where nothing differs. */
  readonly text: string;
}

/** One difference. */
export interface TableChange {
  /** Name at the destination. */
  readonly table: string;
  /** What differs; `tableMissing`, `keyChanged`, and `columnRelaxed` (it may be null now) beside what runs report. */
  readonly change:
    | SchemaChange
    | { readonly kind: "tableMissing" }
    | { readonly kind: "keyChanged"; readonly from: readonly string[]; readonly to: readonly string[] }
    | { readonly kind: "columnRelaxed" | "columnTightened"; readonly column: string };
}

/**
 * Compares two documents of `schema()`: of yesterday and today, of two environments, of a file in the repository and the tables as they are. Members of
 * structs are columns with a path (`address.city`).
 *
 * @example
 * ```ts
 * const agreed: SchemaDocument = { version: 1, tables: {} };
 * const { changes, text } = diffSchemas(agreed, await load.schema());
 * if (changes.length > 0) throw new Error(text);
 * ```
 */
export function diffSchemas(before: SchemaDocument, after: SchemaDocument): SchemaDiff {
  const [old, now] = [decodeSchemaDocument(before), decodeSchemaDocument(after)];
  const changes: TableChange[] = [];
  for (const table of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(table), now.get(table)];
    const add = (change: TableChange["change"]): void => void changes.push({ table, change });
    if (was === undefined || is === undefined) {
      add({ kind: was === undefined ? "tableCreated" : "tableMissing" });
      continue;
    }
    if (was.primaryKey.join("\n") !== is.primaryKey.join("\n"))
      add({ kind: "keyChanged", from: was.primaryKey, to: is.primaryKey });
    compareFields(was.schema.fields, is.schema.fields, "", add);
  }
  const text = changes.map(({ table, change }) => `${table}: ${lineOf(change)}`).join("\n");
  return { changes, text };
}

function compareFields(
  before: readonly Field[],
  after: readonly Field[],
  prefix: string,
  add: (change: TableChange["change"]) => void,
): void {
  const own = new Map(before.map((field) => [field.name, field]));
  const variants = variantsOf(after);
  for (const { name, type, nullable } of after) {
    const column = prefix + name;
    const was = own.get(name);
    own.delete(name);
    const owner = variants.get(name);
    if (was === undefined && owner !== undefined)
      add({ kind: "variantAdded", column: prefix + owner, variant: column, type });
    else if (was === undefined) add({ kind: "columnAdded", column, type });
    else {
      if (was.nullable !== nullable) add({ kind: nullable ? "columnRelaxed" : "columnTightened", column });
      if (was.type.kind === "struct" && type.kind === "struct")
        compareFields(was.type.fields, type.fields, `${column}.`, add);
      else if (!sameType(was.type, type)) add({ kind: "columnWidened", column, from: was.type, to: type });
    }
  }
  for (const name of own.keys()) add({ kind: "columnMissing", column: prefix + name });
}

function lineOf(change: TableChange["change"]): string {
  switch (change.kind) {
    case "tableMissing":
      return "- the table";
    case "keyChanged":
      return `~ primary key ${change.from.join(", ") || "none"} → ${change.to.join(", ") || "none"}`;
    case "columnRelaxed":
      return `~ ${change.column} may be null`;
    case "columnTightened":
      return `~ ${change.column} may no more be null`;
    case "columnMissing":
      return `- ${change.column}`;
    default:
      return changeLine(change);
  }
}
