import { AlluviumError, type Field, type ObjectStore, type Schema } from "@alluvium/core";
import { castVector, constantVector, formatScalar, nullVector, type Vector } from "@alluvium/core/columns";
import { openParquet } from "@alluvium/core/parquet";
import { objectSource } from "../../lake/files/object-source.ts";
import { readGroups, type RowPiece, type WantsGroup } from "../../lake/files/row-groups.ts";
import type { AddFile } from "../log/actions.ts";
import { decodePath } from "../log/paths.ts";
import type { DeltaField, DeltaType } from "../types.ts";
import { fieldId, physicalName, type Column, type MappingMode } from "./columns.ts";
import { resolveFile } from "./data-file.ts";
import { readDeletedRows } from "./deletion-vector.ts";
import { parsePartitionValue } from "./partition.ts";

/** What is read of a file, and how it is found in there. */
export interface FileReading {
  readonly store: ObjectStore;
  readonly directory: string;
  readonly mode: MappingMode;
  /** The columns to read, in order. */
  readonly columns: readonly Column[];
  readonly schema: Schema;
  /** Which row groups are read. @default all */
  readonly wants?: WantsGroup | undefined;
  /** Whether text that is stored by dictionary comes as dictionary vectors; `all`: numbers as well. @default false */
  readonly dictionaries?: boolean | "all";
  readonly signal?: AbortSignal;
}

/** Rows of a file with a bitmap of those that are deleted. */
export interface FileBatch extends RowPiece {
  /** Over the rows of the *file*; `undefined`: none. */
  readonly deleted: Uint8Array | undefined;
  /** Rows of the whole file, deleted ones included. */
  readonly fileRows: number;
}

/**
 * Reads a file of the table in the table's schema: columns by name, physical name or id; missing ones null; partition columns from the
 * log, never from the file (Spark writes them there as well). The file's size is asked of the store, since a wrong one in the log
 * would misplace the footer.
 */
export async function* readFileRows(add: AddFile, reading: FileReading): AsyncGenerator<FileBatch> {
  const { store, directory, mode, columns, schema, wants, dictionaries = false, signal } = reading;
  const call = signal ? { signal } : {};
  const file = await resolveFile(store, directory, decodePath(add.path));
  const info = await file.store.head(file.path, call);
  if (info === undefined)
    throw new AlluviumError(
      "ALV_NOT_FOUND",
      `data file ${file.path} in ${file.store.url} is gone (a vacuum with a short retention?). Read a newer version.`,
    );
  const parquet = await openParquet(objectSource(file.store, file.path, info.size, signal), {
    name: file.path,
    ...call,
  });
  const fields = parquet.schema.fields;
  const plans = columns.map((column) => planOf(column, fields, mode, add));
  const names = [
    ...new Set(plans.flatMap((plan) => (plan.index === undefined ? [] : [fields[plan.index]!.name]))),
  ];
  const deleted = await readDeletedRows(store, directory, add, parquet.metadata.rows, signal);
  if (names.length === 0) {
    let firstRow = 0;
    // Nothing of the file itself is asked for; only its number of rows counts.
    for (let rest = parquet.metadata.rows; rest > 0; rest -= BLANK_ROWS) {
      const length = Math.min(rest, BLANK_ROWS);
      const batch = { schema, length, columns: plans.map((plan) => plan.vector(undefined, length)) };
      yield { batch, deleted, firstRow, fileRows: parquet.metadata.rows };
      firstRow += length;
    }
    return;
  }
  const fileRows = parquet.metadata.rows;
  for await (const piece of readGroups(parquet, wants, { columns: names, dictionaries, ...call })) {
    const { batch: read, firstRow } = piece;
    const { length } = read;
    const byName = new Map(read.schema.fields.map(({ name }, i) => [name, read.columns[i]!] as const));
    const vectors = plans.map((plan) =>
      plan.vector(plan.index === undefined ? undefined : byName.get(fields[plan.index]!.name), length),
    );
    yield { batch: { schema, length, columns: vectors }, deleted, firstRow, fileRows };
  }
}

const BLANK_ROWS = 65_536;

interface ColumnPlan {
  /** Which column of the file it comes from; `undefined`: none. */
  readonly index: number | undefined;
  readonly vector: (read: Vector | undefined, length: number) => Vector;
}

function planOf(column: Column, fields: readonly Field[], mode: MappingMode, add: AddFile): ColumnPlan {
  const { type, field, name } = column;
  if (column.partition) {
    const value = parsePartitionValue(column, add);
    // For these two a stored value is not what user code writes; their text is the same in both forms.
    const given =
      value !== null && (type.kind === "decimal" || type.kind === "date") ? formatScalar(type, value) : value;
    return { index: undefined, vector: (_, length) => constantVector(type, given, length) };
  }
  const index = indexIn(fields, field, mode);
  return {
    index,
    vector: (read, length) => {
      if (read === undefined) return nullVector(type, length);
      try {
        return aligned(read, field.type, type, mode);
      } catch (cause) {
        if (!AlluviumError.is(cause)) throw cause;
        throw new AlluviumError("ALV_FILE_INVALID", `column "${name}" of ${add.path}: ${cause.message}`, {
          cause,
        });
      }
    },
  };
}

/** Where a file's fields are, by what they are known by; of several the first. */
interface FieldIndex {
  readonly byId: ReadonlyMap<number | undefined, number>;
  readonly byName: ReadonlyMap<string, number>;
  /** Names in lower case. */
  readonly byFolded: ReadonlyMap<string, number>;
}

/** Of each file's fields once: a table may have thousands of columns. */
const indexes = new WeakMap<readonly Field[], FieldIndex>();

function indexOf(fields: readonly Field[]): FieldIndex {
  const known = indexes.get(fields);
  if (known !== undefined) return known;
  const places = fields.map((field, i) => ({ ...field, i })).toReversed();
  const made = {
    byId: new Map(places.map(({ id, i }) => [id, i])),
    byName: new Map(places.map(({ name, i }) => [name, i])),
    byFolded: new Map(places.map(({ name, i }) => [name.toLowerCase(), i])),
  };
  indexes.set(fields, made);
  return made;
}

function indexIn(fields: readonly Field[], field: DeltaField, mode: MappingMode): number | undefined {
  const { byId, byName, byFolded } = indexOf(fields);
  if (mode === "id") {
    const id = fieldId(field);
    return id === undefined ? undefined : byId.get(id);
  }
  const name = physicalName(field, mode);
  // Column names ignore case, and other writers make use of it.
  return byName.get(name) ?? byFolded.get(name.toLowerCase());
}

/** A vector as the table's type: members by name or id, physical variants (INT96, plain INT32, text without annotation) relabelled. */
function aligned(vector: Vector, deltaType: DeltaType, type: Vector["type"], mode: MappingMode): Vector {
  const from = vector.type;
  if (vector.layout === "dictionary" && typeof deltaType === "string")
    return { ...vector, type, dictionary: aligned(vector.dictionary, deltaType, type, mode) };
  if (typeof deltaType !== "string") {
    if (
      deltaType.type === "struct" &&
      vector.layout === "struct" &&
      type.kind === "struct" &&
      from.kind === "struct"
    ) {
      const children = deltaType.fields.map((member, i) => {
        const index = indexIn(from.fields, member, mode);
        const wanted = type.fields[i]!.type;
        return index === undefined
          ? nullVector(wanted, vector.length)
          : aligned(vector.children[index]!, member.type, wanted, mode);
      });
      return { ...vector, type, children };
    }
    if (deltaType.type === "array" && vector.layout === "list" && type.kind === "list")
      return {
        ...vector,
        type,
        child: aligned(vector.child, deltaType.elementType, type.element.type, mode),
      };
    if (deltaType.type === "map" && vector.layout === "map" && type.kind === "map")
      return {
        ...vector,
        type,
        keys: aligned(vector.keys, deltaType.keyType, type.key.type, mode),
        values: aligned(vector.values, deltaType.valueType, type.value.type, mode),
      };
  }
  if (relabels(from, type)) return { ...vector, type } as Vector;
  return castVector(vector, type);
}

function relabels(from: Vector["type"], to: Vector["type"]): boolean {
  if (from.kind === to.kind)
    return from.kind !== "decimal" && from.kind !== "struct" && from.kind !== "list" && from.kind !== "map";
  const text = (kind: string): boolean => kind === "string" || kind === "binary" || kind === "json";
  return text(from.kind) && text(to.kind);
}
