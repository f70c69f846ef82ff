import { isDeepStrictEqual } from "node:util";
import { createAppender } from "../columns/append.ts";
import { createPartialAppender } from "../columns/append-partial.ts";
import { ChangeOp, type Batch } from "../columns/batch.ts";
import { parseExact } from "../columns/parse-exact.ts";
import { rowsOf } from "../columns/rows.ts";
import { AlluviumError } from "../errors.ts";
import { decodeSchema } from "../state/schema-codec.ts";
import type { ColumnType, Schema } from "../schema/types.ts";
import type { Json } from "../state/json.ts";
import type { RefusedRow } from "../refused-row.ts";

/** A row that was refused when it was written, to be written now. */
export interface RowToWrite {
  readonly place: number;
  readonly text: string;
  readonly types: Json;
  readonly operation: RefusedRow["operation"];
  /** The row after it was mended, in user form; `undefined`: as it was. */
  readonly fixed: Readonly<Record<string, unknown>> | undefined;
}

/** Rows to be written, each with its place among those given, and those that no column can hold. */
export interface WrittenRows {
  readonly batches: readonly { readonly batch: Batch; readonly places: Int32Array }[];
  readonly refused: readonly { readonly place: number; readonly error: AlluviumError }[];
}

/** A row that was refused when it was written, with the values of its columns in user form. */
export function writtenValue(text: string, types: Json): unknown {
  const schema = nullable(decodeSchema(types));
  const appender = createAppender({ schema });
  const plain = plainRow(text, schema);
  appender.append(plain);
  const [row] = rowsOf<Record<string, unknown>>(appender.finish());
  return Object.fromEntries(Object.keys(plain).map((name) => [name, row![name]]));
}

/** Rows in columns again: as they were where nothing was mended, and by their values elsewhere. */
export function writtenRows(rows: readonly RowToWrite[], partial: boolean): WrittenRows {
  const batches: { batch: Batch; places: Int32Array }[] = [];
  const refused: { place: number; error: AlluviumError }[] = [];
  let open: OpenRows | undefined;
  const close = (): void => {
    if (open !== undefined && open.places.length > 0) batches.push(open.finish());
    open = undefined;
  };
  for (const row of rows) {
    const attempts = attemptsOf(row);
    for (const [i, { key, schema, values }] of attempts.entries())
      try {
        if (open?.key !== key) {
          close();
          open = openRows(key, schema, partial);
        }
        open!.append(row, values);
        break;
      } catch (error) {
        if (!AlluviumError.is(error)) throw error;
        if (i === attempts.length - 1) refused.push({ place: row.place, error });
      }
  }
  close();
  return { batches, refused };
}

/** A row as the columns may take it. */
interface Attempt {
  /** Rows of one key go into one batch. */
  readonly key: string;
  readonly schema: Schema;
  readonly values: object;
}

/** First with the types that the columns had, then with those that mended values have. */
function attemptsOf({ text, types, fixed }: RowToWrite): readonly Attempt[] {
  const schema = nullable(decodeSchema(types));
  const plain = plainRow(text, schema);
  const name = JSON.stringify(types);
  if (fixed === undefined) return [{ key: name, schema, values: plain }];
  const before = writtenValue(text, types) as Readonly<Record<string, unknown>>;
  const changed = new Set(
    Object.keys(fixed).filter((column) => !isDeepStrictEqual(fixed[column], before[column])),
  );
  const values = Object.fromEntries(
    Object.entries(fixed).map(([column, value]) => [column, changed.has(column) ? value : plain[column]]),
  );
  const without = (columns: ReadonlySet<string>): Attempt => ({
    key: JSON.stringify([types, [...columns]]),
    schema: { fields: schema.fields.filter(({ name: column }) => !columns.has(column)) },
    values,
  });
  const others = new Set(
    Array.from(changed).filter((column) => typeof fixed[column] !== typeof before[column]),
  );
  return [without(others), without(changed)];
}

/** Rows of one schema in the making. */
interface OpenRows {
  readonly key: string;
  readonly places: number[];
  append(row: RowToWrite, values: object): void;
  finish(): { readonly batch: Batch; readonly places: Int32Array };
}

function openRows(key: string, schema: Schema, partial: boolean): OpenRows {
  const appender = (partial ? createPartialAppender : createAppender)({ schema });
  const places: number[] = [];
  const ops: number[] = [];
  return {
    key,
    places,
    append({ place, operation }, values) {
      appender.append(values);
      places.push(place);
      ops.push(operation === "delete" ? ChangeOp.delete : operation === "update" ? ChangeOp.update : 0);
    },
    finish() {
      const batch = appender.finish();
      const isChange = ops.some((op) => op !== ChangeOp.insert);
      const changes = isChange
        ? { ...batch.changes, ops: Uint8Array.from(ops), ordinals: new BigInt64Array(ops.length) }
        : batch.changes;
      return {
        batch: changes === undefined ? batch : { ...batch, changes },
        places: Int32Array.from(places),
      };
    },
  };
}

function nullable({ fields }: Schema): Schema {
  return { fields: fields.map((field) => ({ ...field, nullable: true })) };
}

/** The stored text as values that columns of these types take. */
function plainRow(text: string, { fields }: Schema): Record<string, unknown> {
  const row = parseExact(text) as Record<string, unknown>;
  const types = new Map(fields.map(({ name, type }) => [name, type]));
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, plainValue(value, types.get(name))]),
  );
}

/** Bytes, and what numbers JSON lacks, are text there. */
function plainValue(value: unknown, type: ColumnType | undefined): unknown {
  if (value === null || type === undefined) return value;
  switch (type.kind) {
    case "binary":
      return new Uint8Array(Buffer.from(value as string, "hex"));
    case "float32":
    case "float64":
      return typeof value === "string" ? Number(value) : value;
    case "list":
      return (value as unknown[]).map((item) => plainValue(item, type.element.type));
    case "map":
    case "struct":
      return Object.fromEntries(
        Object.entries(value as object).map(([name, item]) => [
          name,
          plainValue(
            item,
            type.kind === "map" ? type.value.type : type.fields.find((field) => field.name === name)?.type,
          ),
        ]),
      );
    default:
      return value;
  }
}
