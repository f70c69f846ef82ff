import type { Batch } from "../columns/batch.ts";
import { castVector } from "../columns/cast.ts";
import { concatVectors } from "../columns/concat.ts";
import { fitVector, type Fit } from "../columns/fit.ts";
import { onlyRows, validRows } from "../columns/marked-rows.ts";
import { nullVector } from "../columns/null-vector.ts";
import { takeVector } from "../columns/take.ts";
import { isValid, type StructVector, type Vector } from "../columns/vector.ts";
import type { Capabilities } from "../destination.ts";
import { matchColumns } from "./conform.ts";
import { AlluviumError } from "../errors.ts";
import { describeType } from "./describe.ts";
import { isTypeWithin } from "./equal.ts";
import { hasMixed, isMixed } from "./mixed-type.ts";
import { isNested, sameItems } from "./members.ts";
import type { ColumnType, Field, Schema, StructType } from "./types.ts";
import { variantFor, type VariantNames } from "./variants.ts";
import { widenTypes } from "./widen.ts";

/** Options of {@link splitBatch}. */
export interface SplitOptions extends VariantNames {
  /** The table's columns as of the last commit. */
  readonly committed: Schema;
  /** Whether values of a column may go into variants. */
  readonly splits: (column: string) => boolean;
  /** The type that a column has at the destination. */
  readonly storedType: Capabilities["storedType"];
  /**
   * Whether numbers, booleans and JSON go into variants of a text column, rather than become texts that could not be told from others.
   * @default never
   */
  readonly keepsKinds?: ((column: string) => boolean) | undefined;
  /** Whether a committed column may become wider in place. */
  readonly widens?: Capabilities["widens"];
}

/** What {@link splitBatch} gives. */
export interface Split {
  /** The batch itself where all fits. */
  readonly batch: Batch;
  /** The variants that it has now, by path (`address.zip__v_string`), each with the path of the column whose values it takes. */
  readonly variants: ReadonlyMap<string, string>;
}

/**
 * A batch whose values fit the columns of `schema`: those that do not are taken out of their column, which is null there, and put into a
 * variant column (`total__v_float64`) behind it, which the table may lack so far. A value stays where it has the exact form: 3.0 in `int64`.
 * Members of structs have variants beside them; of lists and maps the whole value is taken out. Lists, maps and structs go into a variant as JSON.
 * Changes are carried along: where a cell is unchanged its variants are, too.
 */
export function splitBatch(batch: Batch, schema: Schema, options: SplitOptions): Split {
  const variants = new Map<string, string>();
  const order = matchColumns(batch.schema.fields, schema.fields);
  const columns = [...batch.columns];
  const fields = [...batch.schema.fields];
  // Columns that the run adds have none, and may lack their entry.
  const sent = batch.changes?.unchanged;
  const unchanged = sent && columns.map((_, i) => sent[i]);
  const incoming = new Set(fields.map(({ name }) => fold(name, options)));
  const isReal = (name: string): boolean =>
    incoming.has(fold(name, options)) || options.isReal?.(name) === true;

  order.forEach((at, i) => {
    const own = schema.fields[i]!;
    const column = batch.columns[at];
    if (column === undefined || own.type.kind === "null" || isTypeWithin(column.type, own.type)) return;
    const splits = options.splits(own.name);
    const keepsKinds = options.keepsKinds?.(own.name) === true;
    const before = variants.size;
    if (!splits && !hasMixed(column.type)) return;
    const fit = fitColumn(
      column,
      own.type,
      own.name,
      { kinds: keepsKinds, json: keepsKinds },
      (struct, type, path) =>
        fitStruct(
          struct,
          type,
          path,
          { ...options, isReal: undefined },
          memberOf(options.committed.fields, own),
          variants,
          keepsKinds,
        ),
    );
    const { vector, misfits } = fit;
    if (!splits && (misfits !== undefined || variants.size > before)) throw mixedConflict(own);
    columns[at] = vector;
    fields[at] = {
      ...fields[at]!,
      type: vector.type,
      nullable: fields[at]!.nullable || misfits !== undefined,
    };
    for (const rest of restsOf(column, fit)) {
      const choice = {
        ...options,
        isReal,
        fields: [...schema.fields, ...fields.slice(batch.columns.length)],
        committed: options.committed.fields,
      };
      const name = variantFor(own.name, rest.type, choice);
      variants.set(name, own.name);
      // Whole numbers of more and of less than 64 bits have one variant.
      const there = fields.findIndex((field, place) => place >= batch.columns.length && field.name === name);
      const both = there < 0 ? rest : joined(columns[there]!, rest);
      const place = there < 0 ? fields.length : there;
      fields[place] = { name, type: both.type, nullable: true };
      columns[place] = both;
      if (unchanged !== undefined) unchanged[place] = unchanged[at];
    }
  });
  if (sameItems(columns, batch.columns)) return { batch, variants };
  const { length, changes } = batch;
  return {
    batch: { schema: { fields }, length, columns, changes: changes && { ...changes, unchanged } },
    variants,
  };
}

/** A struct with members that fit, and beside them the variants of those that do not. */
function fitStruct(
  vector: StructVector,
  type: StructType,
  path: string,
  options: SplitOptions,
  committed: ColumnType | undefined,
  variants: Map<string, string>,
  keepsKinds: boolean,
): Fit {
  const own = vector.type.kind === "struct" ? vector.type.fields : [];
  const at = new Map(own.map(({ name }, i) => [fold(name, options), i]));
  const fixed = committed?.kind === "struct" ? committed.fields : [];
  const isReal = (name: string): boolean => at.has(fold(name, options));
  const fields: Field[] = [];
  const children: Vector[] = [];
  const added: [Field, Vector][] = [];
  const taken = new Set<number>();
  for (const field of type.fields) {
    const index = at.get(fold(field.name, options));
    const member = `${path}.${field.name}`;
    if (index === undefined) {
      // A variant may have got values above.
      fields.push({ ...field, nullable: true });
      children.push(nullVector(field.type, vector.length));
      continue;
    }
    taken.add(index);
    const child = vector.children[index]!;
    const fit = fitColumn(
      child,
      field.type,
      member,
      { kinds: keepsKinds, json: false },
      (struct, inner, inside) =>
        fitStruct(struct, inner, inside, options, memberOf(fixed, field), variants, keepsKinds),
    );
    fields.push({ ...field, type: fit.vector.type, nullable: field.nullable || fit.misfits !== undefined });
    children.push(fit.vector);
    for (const rest of restsOf(child, fit)) {
      const name = variantFor(field.name, rest.type, {
        ...options,
        isReal,
        fields: [...type.fields, ...added.map(([variant]) => variant)],
        committed: fixed,
      });
      variants.set(`${path}.${name}`, member);
      const there = added.findIndex(([variant]) => variant.name === name);
      const both = there < 0 ? rest : joined(added[there]![1], rest);
      added[there < 0 ? added.length : there] = [{ name, type: both.type, nullable: true }, both];
    }
  }
  own.forEach((field, index) => {
    if (taken.has(index)) return;
    fields.push(field);
    children.push(vector.children[index]!);
  });
  for (const [field, rest] of added) {
    const there = fields.findIndex(({ name }) => name === field.name);
    if (there < 0) {
      fields.push(field);
      children.push(rest);
    } else {
      fields[there] = field;
      children[there] = rest;
    }
  }
  return { vector: { ...vector, type: { kind: "struct", fields }, children } };
}

/** What of a column fits; texts alone are for text where kinds are kept. */
function fitColumn(
  vector: Vector,
  type: ColumnType,
  path: string,
  keeps: { readonly kinds: boolean; readonly json: boolean },
  fitStructs: Parameters<typeof fitVector>[3],
): Fit {
  const { kind } = vector.type;
  const isOther =
    kind === "boolean" || (kind === "json" && keeps.json) || /^(?:int|float|decimal)/.test(kind);
  if (!keeps.kinds || type.kind !== "string" || !isOther || isMixed(vector.type))
    return fitVector(vector, type, path, fitStructs);
  const misfits = validRows(vector);
  return { vector: nullVector(type, vector.length), ...(vector.nullCount < vector.length && { misfits }) };
}

/** The values that do not fit, by kind where they are mixed; nested ones as JSON. */
function restsOf(vector: Vector, { misfits, rests }: Fit): readonly Vector[] {
  if (rests !== undefined || misfits === undefined) return rests ?? [];
  const rest = onlyRows(vector, misfits);
  return [isNested(rest.type) ? castVector(rest, { kind: "json" }) : rest];
}

/** Two vectors of which at most one has a value in each row, as one. */
function joined(one: Vector, other: Vector): Vector {
  const type = widenTypes(one.type, other.type)!;
  const both = concatVectors([castVector(one, type), castVector(other, type)]);
  const { length } = one;
  return takeVector(
    both,
    Int32Array.from({ length }, (_, row) => (isValid(one, row) ? row : length + row)),
  );
}

function mixedConflict({ name, type }: Field): AlluviumError {
  return new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `column "${name}" is ${describeType(type)}, and values of other kinds are among its own; ${'they stay in it because it is a key or the like, or because the contract does not let types change: mend them in map(), or give the column the hint { type: "string" }'}`,
  );
}

function memberOf(fields: readonly Field[], { name }: Field): ColumnType | undefined {
  return fields.find((field) => field.name === name)?.type;
}

function fold(name: string, { foldCase }: VariantNames): string {
  return foldCase === true ? name.toLowerCase() : name;
}
