import { AlluviumError, type ColumnType, type Field, type Schema } from "@alluvium/core";
import {
  canonicalJson,
  contentHash,
  decodeSchema,
  encodeSchema,
  encodeType,
  schemaHash,
} from "@alluvium/core/state";
import type { LakeContext } from "./context.ts";
import { createOnce } from "./create-once.ts";
import { overtaken } from "./journal.ts";
import { damaged, parseJson } from "./manifest-codec.ts";
import type { Manifest } from "./manifest.ts";
import { schemaPath } from "./paths.ts";

/** A schema object that is older than this is written again before it is referred to, so that garbage collection never takes it. */
const REFRESH = 86_400_000;

/** Stores a schema under its content hash, once, durably. `kept`: hashes that the newest manifest refers to, so that they surely stay. */
export async function storeSchema(
  context: LakeContext,
  schema: Schema,
  kept: ReadonlySet<string>,
): Promise<string> {
  const { store, paths } = context;
  const hash = schemaHash(schema);
  if (kept.has(hash)) return hash;
  const path = schemaPath(paths, hash);
  const bytes = new TextEncoder().encode(`${canonicalJson(encodeSchema(schema))}\n`);
  const found = await store.head(path);
  if (found !== undefined && (await store.now()).getTime() - found.modified.getTime() >= REFRESH)
    await store.put(path, bytes);
  // One that is there may be of a run that was cut off between writing and making durable.
  if (found !== undefined && (await isSynced(context, path))) return hash;
  const outcome = await createOnce(context, path, bytes);
  if ("error" in outcome) throw outcome.error;
  return hash;
}

/** Syncs an object; `false`: it was deleted since it was seen. */
async function isSynced({ store }: LakeContext, path: string): Promise<boolean> {
  try {
    await store.sync([path]);
    return true;
  } catch (error) {
    if (AlluviumError.is(error) && error.code === "ALV_NOT_FOUND") return false;
    throw error;
  }
}

/**
 * Reads a schema that the newest manifest refers to. Throws like {@link loadSchema}, and `ALV_CONCURRENT_RUN` where that manifest is not the newest any
 * more.
 */
export async function loadNewestSchema(
  context: LakeContext,
  newest: Pick<Manifest, "sequence">,
  hash: string,
): Promise<Schema> {
  try {
    return await loadSchema(context, hash);
  } catch (error) {
    throw await overtaken(context, newest.sequence, error);
  }
}

/** Reads a stored schema. Throws `ALV_STATE_INVALID` when it is missing, or is not what its name says. */
export async function loadSchema(context: LakeContext, hash: string): Promise<Schema> {
  const path = schemaPath(context.paths, hash);
  let bytes: Uint8Array;
  try {
    bytes = await context.store.get(path, { signal: context.signal });
  } catch (error) {
    if (AlluviumError.is(error) && error.code === "ALV_NOT_FOUND")
      throw damaged(path, "schema", "it is missing", error);
    throw error;
  }
  const json = parseJson(bytes, path, "schema");
  if (contentHash(json) !== hash)
    throw damaged(path, "schema", "its content does not have the hash in its name");
  return decodeSchema(json);
}

/**
 * A schema as a table has it: without columns and members of which only nulls were seen. They are bound by a later load, once
 * their type is known.
 */
export function boundSchema(schema: Schema): Schema {
  return { fields: schema.fields.flatMap(boundField) };
}

function boundField(field: Field): readonly Field[] {
  const type = boundType(field.type);
  return type === undefined ? [] : [{ ...field, type }];
}

function boundType(type: ColumnType): ColumnType | undefined {
  if (type.kind === "null") return undefined;
  if (type.kind === "list") {
    const element = boundField(type.element)[0];
    return element === undefined ? undefined : { kind: "list", element };
  }
  if (type.kind === "map") {
    const value = boundField(type.value)[0];
    return value === undefined ? undefined : { ...type, value };
  }
  if (type.kind === "struct") {
    const fields = type.fields.flatMap(boundField);
    return fields.length === 0 ? undefined : { kind: "struct", fields };
  }
  return type;
}

/**
 * A table's schema after a load: what it has, in its order, then what is new (which earlier rows lack, so that it may be null).
 * Types are those of `next`; members that it no longer has stay.
 */
export function grownSchema(committed: Schema, next: Schema): Schema {
  return { fields: grownFields(committed.fields, next.fields) };
}

function grownFields(committed: readonly Field[], next: readonly Field[]): readonly Field[] {
  const added = new Map(next.map((field) => [field.name, field]));
  const kept = committed.map((field) => {
    const now = added.get(field.name);
    added.delete(field.name);
    return now === undefined ? { ...field, nullable: true } : grownField(field, now);
  });
  return [...kept, ...[...added.values()].map((field) => ({ ...field, nullable: true }))];
}

function grownField(committed: Field, next: Field): Field {
  const nullable = committed.nullable || next.nullable;
  return { ...committed, nullable, type: grownType(committed.type, next.type) };
}

function grownType(committed: ColumnType, next: ColumnType): ColumnType {
  if (committed.kind === "struct" && next.kind === "struct")
    return { kind: "struct", fields: grownFields(committed.fields, next.fields) };
  if (committed.kind === "list" && next.kind === "list")
    return { kind: "list", element: grownField(committed.element, next.element) };
  if (committed.kind === "map" && next.kind === "map")
    return { kind: "map", key: next.key, value: grownField(committed.value, next.value) };
  return next;
}

/** What became of a column type between two batches: nothing that files already written would miss, or a change of what they hold. */
export type TypeChange = "compatible" | "bound" | "widened";

/** How `next` differs from `before` in columns that both have. `bound`: a type inside a list or map became known. */
export function compareSchemas(
  before: Schema,
  next: Schema,
): { readonly change: TypeChange; readonly column?: string } {
  let result: { readonly change: TypeChange; readonly column?: string } = { change: "compatible" };
  for (const field of next.fields) {
    const old = before.fields.find(({ name }) => name === field.name);
    if (old === undefined) continue;
    const change = compareTypes(old.type, field.type);
    if (change === "widened") return { change, column: field.name };
    if (change === "bound") result = { change, column: field.name };
  }
  return result;
}

function compareTypes(old: ColumnType, next: ColumnType): TypeChange {
  if (old === next || old.kind === "null") return "compatible";
  if (old.kind === "struct" && next.kind === "struct")
    return worst(
      next.fields.flatMap((field) => {
        const member = old.fields.find(({ name }) => name === field.name);
        return member === undefined ? [] : [compareTypes(member.type, field.type)];
      }),
    );
  if (old.kind === "list" && next.kind === "list") return compareInner(old.element.type, next.element.type);
  if (old.kind === "map" && next.kind === "map")
    return worst([compareInner(old.key.type, next.key.type), compareInner(old.value.type, next.value.type)]);
  return canonicalJson(encodeType(old)) === canonicalJson(encodeType(next)) ? "compatible" : "widened";
}

function compareInner(old: ColumnType, next: ColumnType): TypeChange {
  return old.kind === "null" && next.kind !== "null" ? "bound" : compareTypes(old, next);
}

function worst(changes: readonly TypeChange[]): TypeChange {
  if (changes.includes("widened")) return "widened";
  return changes.includes("bound") ? "bound" : "compatible";
}
