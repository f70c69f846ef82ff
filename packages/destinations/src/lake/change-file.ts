import { AlluviumError, type Field, type ObjectStore, type Schema } from "@alluvium/core";
import {
  bitAt,
  castVector,
  ChangeOp,
  constantVector,
  isValid,
  materialize,
  nullVector,
  type Batch,
  type BytesVector,
  type Changes,
  type FixedVector,
  type Vector,
} from "@alluvium/core/columns";
import { openParquet } from "@alluvium/core/parquet";
import type { DataFile } from "./contract.ts";
import { objectSource } from "./files/object-source.ts";

/** Folder of a table for files that apply only reads. Hidden by its first letter: no reader takes it for data, no vacuum empties it. */
const STAGED_FOLDER = "_alv_staged";

/** Names of ours start with `_alv_`, so that no column of a source is called so. */
const PREFIX = "_alv_change_";
const OP = `${PREFIX}op`;
const ORDINAL = `${PREFIX}ordinal`;
const UNCHANGED = `${PREFIX}unchanged`;
const OLD = `${PREFIX}old_`;

const int8 = { kind: "int8" } as const;
const int64 = { kind: "int64" } as const;
const binary = { kind: "binary" } as const;

/** Where a file of changes stands, before and after its load. */
export function placeChanges(id: string): { readonly staged: string; readonly final: string } {
  const path = `${STAGED_FOLDER}/part-${id}.parquet`;
  return { staged: path, final: path };
}

/**
 * Columns of a file of changes: those of the table, any of which may be null, then for each row its op, its ordinal, a bitmap of the
 * cells that the source did not send (bit i: the i-th of the table's columns in the file; null: the row is whole), and where an update
 * moved its key the old one.
 */
export function changeSchema(schema: Schema, primaryKey: readonly string[]): Schema {
  const fields = knownFields(schema).map((field) => ({ ...field, nullable: true }));
  const old = primaryKey.flatMap((name): Field[] => {
    const field = fields.find((each) => each.name === name);
    return field === undefined ? [] : [{ ...field, name: `${OLD}${name}` }];
  });
  return {
    fields: [
      ...fields,
      { name: OP, type: int8, nullable: false },
      { name: ORDINAL, type: int64, nullable: false },
      { name: UNCHANGED, type: binary, nullable: true },
      ...old,
    ],
  };
}

/** A batch in the form of {@link changeSchema}, which is given. Rows without changes are inserts with the ordinal `after`. */
export function changeBatch(batch: Batch, form: Schema, after: bigint): Batch {
  const { changes, length } = batch;
  const fields = knownFields(batch.schema);
  const own = fields.map((field) => columnNamed(batch, field.name)!);
  const added = form.fields.slice(fields.length).map(({ name, type }): Vector => {
    switch (name) {
      case OP:
        return changes === undefined
          ? constantVector(int8, ChangeOp.insert, length)
          : fixed(type, Int8Array.from(changes.ops.subarray(0, length)));
      case ORDINAL:
        return changes === undefined
          ? constantVector(int64, after, length)
          : fixed(type, changes.ordinals.subarray(0, length));
      case UNCHANGED:
        return unchangedRows(batch, fields);
      default: {
        const old = changes?.oldKeys && columnNamed(changes.oldKeys, name.slice(OLD.length));
        return old === undefined ? nullVector(type, length) : castVector(old, type);
      }
    }
  });
  return { schema: form, length, columns: [...own, ...added] };
}

function knownFields({ fields }: Schema): readonly Field[] {
  return fields.filter(({ type }) => type.kind !== "null");
}

function columnNamed({ schema, columns }: Batch, name: string): Vector | undefined {
  return columns[schema.fields.findIndex((field) => field.name === name)];
}

function fixed(type: FixedVector["type"], values: FixedVector["values"]): FixedVector {
  return { layout: "fixed", type, length: values.length, nullCount: 0, validity: undefined, values };
}

/** Per row the bits of its cells that were not sent; null in batches that hold whole rows only. */
function unchangedRows({ schema, changes, length }: Batch, fields: readonly Field[]): Vector {
  const unchanged = changes?.unchanged;
  if (unchanged === undefined) return nullVector(binary, length);
  const width = (fields.length + 7) >> 3;
  const data = new Uint8Array(width * length);
  for (const [column, { name }] of fields.entries()) {
    const bits = unchanged[schema.fields.findIndex((field) => field.name === name)];
    if (bits === undefined) continue;
    for (let row = 0; row < length; row++)
      if (bitAt(bits, row)) data[row * width + (column >> 3)]! |= 1 << (column & 7);
  }
  const offsets = Int32Array.from({ length: length + 1 }, (_, row) => row * width);
  return { layout: "bytes", type: binary, length, nullCount: 0, validity: undefined, offsets, data };
}

/** How a file of changes is read. */
export interface ReadChangesOptions {
  readonly store: ObjectStore;
  /** Directory of the table, relative to the store's root. */
  readonly directory: string;
  /** The columns to read, in types that the file's can be widened to; those that it lacks are null. */
  readonly schema: Schema;
  readonly primaryKey: readonly string[];
  /** Types of the key columns, for old keys. */
  readonly keySchema: Schema;
}

/** Reads what was written in the form of {@link changeBatch}: batches with `changes`, of the columns asked for. */
export async function* readChanges(
  file: Pick<DataFile, "staged" | "size">,
  { store, directory, schema, keySchema }: ReadChangesOptions,
  signal?: AbortSignal,
): AsyncGenerator<Batch> {
  const path = `${directory}/${file.staged}`;
  const parquet = await openParquet(objectSource(store, path, file.size, signal), { name: path });
  const own = parquet.schema.fields.filter(({ name }) => !name.startsWith(PREFIX));
  const names = new Set(parquet.schema.fields.map(({ name }) => name));
  const wanted = schema.fields.filter(({ name }) => names.has(name)).map(({ name }) => name);
  const old = keySchema.fields.filter(({ name }) => names.has(`${OLD}${name}`));
  const columns = [...wanted, OP, ORDINAL, UNCHANGED, ...old.map(({ name }) => `${OLD}${name}`)];
  for await (const batch of parquet.read({ columns, ...(signal && { signal }) })) {
    const { length } = batch;
    const changes: Changes = {
      ops: opsOf(columnNamed(batch, OP)!, length, path),
      ordinals: (plain(columnNamed(batch, ORDINAL)!) as FixedVector).values as BigInt64Array,
      oldKeys: oldKeysOf(batch, keySchema),
      unchanged: unchangedColumns(columnNamed(batch, UNCHANGED)!, own, schema),
    };
    yield {
      schema,
      length,
      columns: schema.fields.map(({ name, type }) => {
        const column = columnNamed(batch, name);
        return column === undefined ? nullVector(type, length) : castVector(column, type);
      }),
      changes,
    };
  }
}

function plain(vector: Vector): Vector {
  return vector.layout === "dictionary" ? materialize(vector) : vector;
}

function opsOf(vector: Vector, length: number, path: string): Uint8Array {
  const ops = Uint8Array.from((plain(vector) as FixedVector).values.subarray(0, length) as Int8Array);
  if (ops.some((op) => op > ChangeOp.truncate))
    throw new AlluviumError("ALV_FILE_INVALID", `${path} holds a change of a kind that is not known`);
  return ops;
}

function oldKeysOf(batch: Batch, keySchema: Schema): Batch | undefined {
  const columns = keySchema.fields.map(({ name, type }) => {
    const column = columnNamed(batch, `${OLD}${name}`);
    return column === undefined ? nullVector(type, batch.length) : castVector(column, type);
  });
  if (columns.every(({ nullCount }) => nullCount === batch.length)) return undefined;
  return { schema: keySchema, length: batch.length, columns };
}

function unchangedColumns(
  vector: Vector,
  own: readonly Field[],
  schema: Schema,
): readonly (Uint8Array | undefined)[] | undefined {
  if (vector.nullCount === vector.length) return undefined;
  const { offsets, data } = plain(vector) as BytesVector;
  return schema.fields.map(({ name }) => {
    const column = own.findIndex((field) => field.name === name);
    if (column < 0) return undefined;
    let bits: Uint8Array | undefined;
    for (let row = 0; row < vector.length; row++)
      if (isValid(vector, row) && ((data[offsets[row]! + (column >> 3)]! >> (column & 7)) & 1) === 1)
        (bits ??= new Uint8Array((vector.length + 7) >> 3))[row >> 3]! |= 1 << (row & 7);
    return bits;
  });
}
