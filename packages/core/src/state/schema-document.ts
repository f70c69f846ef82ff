import { AlluviumError } from "../errors.ts";
import type { Schema } from "../schema/types.ts";
import { canonicalJson } from "./canonical.ts";
import type { Json } from "./json.ts";
import { decodeSchema, encodeSchema } from "./schema-codec.ts";
import type { PipelineState, TableState } from "./state.ts";

/**
 * The schemas of a pipeline's tables as JSON: to be kept beside the code, compared, and given back as its contract. Equal schemas give equal
 * text: keys are sorted, columns stand in the table's order. A change of the format raises `version`; every older one stays readable.
 */
export interface SchemaDocument {
  readonly version: 1;
  /** By name at the destination. */
  readonly tables: { readonly [table: string]: SchemaDocumentTable };
}

/** A table of a {@link SchemaDocument}. */
export interface SchemaDocumentTable {
  /** The resource that it comes from. */
  readonly resource: string;
  readonly primaryKey: readonly string[];
  /** Its columns, without the system's own. */
  readonly columns: readonly SchemaDocumentColumn[];
}

/** A column of a {@link SchemaDocument}. */
export interface SchemaDocumentColumn {
  readonly name: string;
  /** `"int64"`, `"decimal(18,2)"`, `"timestamp(utc)"`, `{ "list": column }`, `{ "struct": [column …] }`, `{ "map": [key, value] }`. */
  readonly type: Json;
  readonly nullable: boolean;
}

/** The schemas of the tables that a state remembers. `isSystem` tells columns of the system's own. */
export function encodeSchemaDocument(
  state: PipelineState | undefined,
  isSystem: (column: string) => boolean,
): SchemaDocument {
  const own = Object.entries(state?.tables ?? {}).filter(
    ([, { quarantineOf }]) => quarantineOf === undefined,
  );
  const tables = own.map(([name, table]): [string, Json] => [
    name,
    {
      resource: table.resource,
      primaryKey: table.primaryKey,
      columns: encodeSchema({ fields: columnsOf(table, isSystem) }),
    },
  ]);
  // By way of text, so that keys stand in one order.
  return JSON.parse(
    canonicalJson({ version: 1, tables: Object.fromEntries(tables) }),
  ) as unknown as SchemaDocument;
}

function columnsOf({ schema }: TableState, isSystem: (column: string) => boolean): Schema["fields"] {
  return schema.fields.filter(({ name, type }) => type.kind !== "null" && !isSystem(name));
}

/** What was agreed on for a table. */
export interface AgreedTable {
  readonly primaryKey: readonly string[];
  readonly schema: Schema;
}

/** Reads a document, whatever it was made from. `ALV_CONFIG` names what is wrong with it. */
export function decodeSchemaDocument(document: unknown): ReadonlyMap<string, AgreedTable> {
  const { version, tables } = objectAt(document, "contract");
  if (version !== 1)
    throw bad(
      `contract.version is ${shown(version)}; this version of Alluvium reads 1: give what load.schema() gave, or update Alluvium`,
    );
  return new Map(
    Object.entries(objectAt(tables, "contract.tables")).map(([name, json]) => {
      const place = `contract.tables[${JSON.stringify(name)}]`;
      const { primaryKey, columns } = objectAt(json, place);
      if (!Array.isArray(primaryKey) || !primaryKey.every((column) => typeof column === "string"))
        throw bad(`${place}.primaryKey is ${shown(primaryKey)}; it must be a list of columns`);
      return [name, { primaryKey, schema: schemaAt(columns, `${place}.columns`) }];
    }),
  );
}

function schemaAt(json: unknown, place: string): Schema {
  try {
    return decodeSchema(json as Json);
  } catch (cause) {
    throw bad(`${place}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function objectAt(json: unknown, place: string): { readonly [key: string]: unknown } {
  if (typeof json === "object" && json !== null && !Array.isArray(json))
    return json as { readonly [key: string]: unknown };
  throw bad(`${place} is ${shown(json)}; it must be what load.schema() gave`);
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? "missing";
}

function bad(why: string, cause?: unknown): AlluviumError {
  return new AlluviumError("ALV_CONFIG", why, { step: "plan", cause });
}
