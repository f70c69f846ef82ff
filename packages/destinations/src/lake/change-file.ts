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
import { readGroups, type RowPiece, type WantsGroup } from "./files/row-groups.ts";

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
  /** Types of the key columns, for old keys. */
  readonly keySchema: Schema;
  /** All columns of the table. */
  readonly tableColumns: readonly string[];
  /** Which row groups are read. @default all */
  readonly wants?: WantsGroup | undefined;
  readonly signal?: AbortSignal;
}

/** Some changes; `batch.changes` says of the columns that were read which cells were not sent. */
export interface ChangePiece extends RowPiece {
  /** Bitmap of rows with cells that were not sent, whether or not their columns were read. */
  readonly partial: Uint8Array | undefined;
}

/** Reads what was written in the form of {@link changeBatch}. */
export async function* readChanges(
  file: Pick<DataFile, "staged" | "size">,
  options: ReadChangesOptions,
): AsyncGenerator<ChangePiece> {
  const { store, directory, schema, keySchema, tableColumns, wants, signal } = options;
  const path = `${directory}/${file.staged}`;
  const parquet = await openParquet(objectSource(store, path, file.size, signal), { name: path });
  const names = parquet.schema.fields.map(({ name }) => name);
  const own = names.filter((name) => !name.startsWith(PREFIX));
  const wanted = schema.fields.filter(({ name }) => own.includes(name)).map(({ name }) => name);
  const old = keySchema.fields.map(({ name }) => `${OLD}${name}`).filter((name) => names.includes(name));
  const lacks = tableColumns.some((name) => !own.includes(name));
  const columns = [...wanted, OP, ORDINAL, UNCHANGED, ...old];
  for await (const piece of readGroups(parquet, wants, { columns, ...(signal && { signal }) })) {
    const { length } = piece.batch;
    const cells = unchangedCells(columnNamed(piece.batch, UNCHANGED)!);
    const changes: Changes = {
      ops: opsOf(columnNamed(piece.batch, OP)!, length, path),
      ordinals: (plain(columnNamed(piece.batch, ORDINAL)!) as FixedVector).values as BigInt64Array,
      oldKeys: oldKeysOf(piece.batch, keySchema),
      unchanged: cells && schema.fields.map(({ name }) => cells.column(own.indexOf(name))),
    };
    const vectors = schema.fields.map(({ name, type }) => {
      const column = columnNamed(piece.batch, name);
      return column === undefined ? nullVector(type, length) : castVector(column, type, name);
    });
    yield {
      batch: { schema, length, columns: vectors, changes },
      firstRow: piece.firstRow,
      partial: cells?.partial(lacks),
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
    return column === undefined ? nullVector(type, batch.length) : castVector(column, type, name);
  });
  if (columns.every(({ nullCount }) => nullCount === batch.length)) return undefined;
  return { schema: keySchema, length: batch.length, columns };
}

/** Which cells of some rows were not sent. */
interface UnchangedCells {
  /** Bitmap of the rows that lack a column of the file; one that the file lacks (-1) was sent by none of them. */
  column(index: number): Uint8Array | undefined;
  /** Bitmap of the rows that lack any. `lacks`: the file does not have all columns of the table. */
  partial(lacks: boolean): Uint8Array | undefined;
}

function unchangedCells(vector: Vector): UnchangedCells | undefined {
  const { length } = vector;
  if (vector.nullCount === length) return undefined;
  const { offsets, data } = plain(vector) as BytesVector;
  const rowsWhere = (test: (row: number) => boolean): Uint8Array | undefined => {
    let bits: Uint8Array | undefined;
    for (let row = 0; row < length; row++)
      if (isValid(vector, row) && test(row))
        (bits ??= new Uint8Array((length + 7) >> 3))[row >> 3]! |= 1 << (row & 7);
    return bits;
  };
  const every = (): boolean => true;
  return {
    column: (index) =>
      rowsWhere(
        index < 0 ? every : (row) => ((data[offsets[row]! + (index >> 3)]! >> (index & 7)) & 1) === 1,
      ),
    partial: (lacks) =>
      rowsWhere(
        lacks ? every : (row) => data.subarray(offsets[row]!, offsets[row + 1]!).some((byte) => byte !== 0),
      ),
  };
}
