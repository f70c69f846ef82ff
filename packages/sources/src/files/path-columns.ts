import { AlluviumError, type Field, type Schema } from "@alluvium/core";
import {
  createBuilder,
  isValid,
  parseScalar,
  putScalar,
  vectorOf,
  type Batch,
  type Vector,
} from "@alluvium/core/columns";
import { describeType } from "@alluvium/core/schema";
import { fileField, modifiedField, type PathColumns } from "./described.ts";
import type { FileContent } from "./format.ts";
import { partitionsOf } from "./listing/partitions.ts";

/** Rows of one file in a batch: so many, one after the other. */
export interface FileRows {
  readonly file: Pick<FileContent, "path" | "modified">;
  readonly rows: number;
}

/** Adds the columns that paths and times of files make to batches. */
export interface PathColumnAdder {
  /** Columns that are added come first in place of those of their names. */
  add(batch: Batch, parts: readonly FileRows[]): Batch;
}

/** For one read of a table. */
export function pathColumns({ file, modified, partitions, known }: PathColumns): PathColumnAdder {
  let last: { readonly given: Schema; readonly fields: string; readonly schema: Schema } | undefined;

  function columnsFor(parts: readonly FileRows[]): readonly (readonly [Field, Vector])[] {
    const added: (readonly [Field, Vector])[] = [];
    if (file !== undefined) {
      const field = fileField(file);
      added.push([
        field,
        repeated(
          vectorOf(
            field.type,
            parts.map((part) => part.file.path),
          ),
          parts,
        ),
      ]);
    }
    if (modified !== undefined) {
      const field = modifiedField(modified);
      added.push([
        field,
        repeated(
          vectorOf(
            field.type,
            parts.map((part) => part.file.modified),
          ),
          parts,
        ),
      ]);
    }
    if (!partitions) return added;
    const found = parts.map((part) => partitionsOf(part.file.path));
    for (const name of new Set(found.flatMap((one) => [...one.keys()]))) {
      const field = known.get(name) ?? { name, type: { kind: "string" }, nullable: true };
      const texts = found.map((one) => one.get(name) ?? null);
      added.push([field, repeated(parsed(field, texts, parts), parts)]);
    }
    return added;
  }

  return {
    add(batch, parts) {
      const added = columnsFor(parts);
      if (added.length === 0) return batch;
      const names = new Set(added.map(([{ name }]) => name));
      const kept = batch.schema.fields.flatMap(({ name }, i) => (names.has(name) ? [] : [i]));
      const fields = [...names].join("\0");
      // The same object as long as nothing changes: whoever takes batches looks for that.
      if (last === undefined || last.given !== batch.schema || last.fields !== fields)
        last = {
          given: batch.schema,
          fields,
          schema: {
            fields: [...kept.map((i) => batch.schema.fields[i]!), ...added.map(([field]) => field)],
          },
        };
      const columns = [...kept.map((i) => batch.columns[i]!), ...added.map(([, vector]) => vector)];
      return { ...batch, schema: last.schema, columns };
    },
  };
}

/** The values that texts of partitions stand for. */
function parsed(
  { name, type }: Field,
  texts: readonly (string | null)[],
  parts: readonly FileRows[],
): Vector {
  const builder = createBuilder(type, texts.length);
  texts.forEach((text, i) => {
    const value = text === null ? undefined : parseScalar(type, text);
    if (value !== undefined) putScalar(builder, value);
    else if (text === null) builder.appendNull();
    else
      throw new AlluviumError(
        "ALV_SOURCE_DATA",
        `${parts[i]!.file.path}: ${text} in the path is no ${describeType(type)}, which the column ${name} is to hold`,
        { step: "read" },
      );
  });
  return builder.finish();
}

/** A value for each file, repeated for its rows. */
function repeated(dictionary: Vector, parts: readonly FileRows[]): Vector {
  const length = parts.reduce((sum, { rows }) => sum + rows, 0);
  const codes = new Int32Array(length);
  let validity: Uint8Array | undefined;
  let nullCount = 0;
  let at = 0;
  parts.forEach(({ rows }, code) => {
    codes.fill(code, at, at + rows);
    if (!isValid(dictionary, code) && rows > 0) {
      validity ??= new Uint8Array((length + 7) >> 3).fill(0xff);
      for (let row = at; row < at + rows; row++) validity[row >> 3]! &= ~(1 << (row & 7));
      nullCount += rows;
    }
    at += rows;
  });
  return { layout: "dictionary", type: dictionary.type, length, nullCount, validity, codes, dictionary };
}
