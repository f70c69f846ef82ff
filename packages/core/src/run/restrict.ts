import { ChangeOp, type Batch } from "../columns/batch.ts";
import { bitAt } from "../columns/bitmap.ts";
import { materialize } from "../columns/dictionary.ts";
import { fitVector, type Fit } from "../columns/fit.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import type { Contract, ContractPolicy } from "../contract.ts";
import type { ErrorCode } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import type { ColumnType, Field, Schema } from "../schema/types.ts";

/** Why a row is not stored. */
export interface Offence {
  readonly row: number;
  /** `column`, `type`, `notNull`, `key`, `table`, or the name of a check. */
  readonly rule: string;
  /** The column, as the source names it. */
  readonly column: string | undefined;
  readonly message: string;
  readonly policy: ContractPolicy;
  /** @default from the rule */
  readonly reason?: ErrorCode;
}

/** What a contract leaves of a batch. */
export interface Restricted {
  /** The batch itself where all fits. */
  readonly batch: Batch;
  /** The rows that may not be stored; the batch still has them. */
  readonly offences: readonly Offence[];
  /** Values that were left out. */
  readonly discarded: number;
  /** The columns, as the source names them, whose values were left out. @default none */
  readonly thinned?: ReadonlyMap<string, number>;
}

/** What {@link restrictBatch} holds a batch to. */
export interface Restriction {
  readonly contract: Contract;
  /** The columns that the table has, or that were declared for it. */
  readonly columns: Schema;
  /** Columns without which no row is found. */
  readonly key: readonly string[];
  /** Columns that the run adds itself. */
  readonly isSystem: (column: string) => boolean;
  readonly foldsCase: boolean;
  /** What a column of the source is called in the table. */
  readonly spell: (name: string) => string;
}

/** Whether a policy decides row by row: `evolve` and `freeze` are about the table as a whole. */
export function isByRow(policy: ContractPolicy): boolean {
  return policy !== "evolve" && policy !== "freeze";
}

/**
 * Holds a batch, with its columns named as at the source, to a contract that decides row by row. Values are left out under `discardValue`; under
 * `discardRow` and `quarantine` their rows are named, and once they are gone the rest fits the columns as they are.
 */
export function restrictBatch(batch: Batch, restriction: Restriction): Restricted {
  const { contract, key, isSystem, spell } = restriction;
  const fold = (name: string): string => (restriction.foldsCase ? name.toLowerCase() : name);
  const own = new Map(restriction.columns.fields.map((field) => [fold(field.name), field]));
  const offences: Offence[] = [];
  let discarded = 0;
  const thinned = new Map<string, number>();
  const fields: Field[] = [];
  const columns: Vector[] = [];
  const unchanged: (Uint8Array | undefined)[] = [];
  const isPut = (row: number): boolean => {
    const op = batch.changes?.ops[row];
    return op !== ChangeOp.delete && op !== ChangeOp.truncate;
  };

  function offend(
    rule: Offence["rule"],
    column: string,
    policy: ContractPolicy,
    message: string,
  ): (row: number) => void {
    return (row) => {
      if (policy === "discardValue") {
        discarded += 1;
        thinned.set(column, (thinned.get(column) ?? 0) + 1);
      } else offences.push({ row, rule, column, message, policy });
    };
  }

  batch.schema.fields.forEach((field, i) => {
    const vector = batch.columns[i]!;
    const { name } = field;
    const spelled = isSystem(name) ? name : spell(name);
    const known = own.get(fold(spelled));
    const keep = (column: Vector, as: Field): void => {
      fields.push(as);
      columns.push(column);
      unchanged.push(batch.changes?.unchanged?.[i]);
    };
    if (isSystem(name) || field.type.kind === "null") return keep(vector, field);
    if (known === undefined || known.type.kind === "null") {
      if (!isByRow(contract.columns)) return keep(vector, field);
      eachValid(vector, offend("column", name, contract.columns, `the table has no column ${name}`));
      return;
    }
    let column = vector;
    if (isByRow(contract.columns)) {
      const news = new Map<number, string>();
      findNews(vector, known.type, name, fold, (row, path) => {
        if (!news.has(row)) news.set(row, path);
      });
      for (const [row, path] of news)
        offend("column", path, contract.columns, `the table has no member ${path}`)(row);
      if (news.size > 0 || hasMore(vector.type, known.type, fold))
        column = withoutNews(column, known.type, fold);
    }
    if (isByRow(contract.types)) {
      const { vector: fitting, misfits } = fitVector(column, known.type, name, (struct, type, path) =>
        fitMembers(struct, type, path, fold),
      );
      const what = `${name} is ${describeType(known.type)}, which does not hold the value`;
      if (misfits !== undefined)
        for (let row = 0; row < batch.length; row++)
          if (bitAt(misfits, row)) offend("type", name, contract.types, what)(row);
      column = fitting;
      const isKey = key.includes(spelled);
      if (isKey || !known.nullable) {
        // Without the value there is no row, so the row goes where only the value should.
        const policy = contract.types === "discardValue" ? "discardRow" : contract.types;
        const sent = batch.changes?.unchanged?.[i];
        for (let row = 0; row < batch.length; row++)
          if (!isValid(column, row) && isPut(row) && (sent === undefined || !bitAt(sent, row)))
            offend(isKey ? "key" : "notNull", name, policy, `${name} is null, which it must not be`)(row);
      }
      return keep(column, { ...field, type: column.type });
    }
    keep(column, column === vector ? field : { ...field, type: column.type });
  });
  const same = columns.length === batch.columns.length && columns.every((one, i) => one === batch.columns[i]);
  if (same) return { batch, offences, discarded, thinned };
  const { length, changes } = batch;
  return {
    batch: {
      schema: { fields },
      length,
      columns,
      ...(changes && { changes: { ...changes, ...(changes.unchanged && { unchanged }) } }),
    },
    offences,
    discarded,
    thinned,
  };
}

function eachValid(vector: Vector, take: (row: number) => void): void {
  if (vector.nullCount === vector.length) return;
  for (let row = 0; row < vector.length; row++) if (isValid(vector, row)) take(row);
}

/** Names the rows that hold a member which `type` lacks, at any depth. */
function findNews(
  vector: Vector,
  type: ColumnType,
  path: string,
  fold: (name: string) => string,
  found: (row: number, path: string) => void,
): void {
  if (vector.layout === "dictionary") return findNews(materialize(vector), type, path, fold, found);
  if (vector.layout === "struct" && vector.type.kind === "struct" && type.kind === "struct") {
    const own = new Map(type.fields.map((field) => [fold(field.name), field]));
    vector.type.fields.forEach((field, i) => {
      const child = vector.children[i]!;
      const known = own.get(fold(field.name));
      const inside = `${path}.${field.name}`;
      const here = (row: number, at: string): void => {
        if (isValid(vector, row)) found(row, at);
      };
      if (known === undefined) eachValid(child, (row) => here(row, inside));
      else findNews(child, known.type, inside, fold, here);
    });
    return;
  }
  const children =
    vector.layout === "list" && type.kind === "list"
      ? ([[vector.child, type.element.type]] as const)
      : vector.layout === "map" && type.kind === "map"
        ? ([[vector.values, type.value.type]] as const)
        : [];
  if (vector.layout !== "list" && vector.layout !== "map") return;
  for (const [child, member] of children) {
    let row = 0;
    findNews(child, member, `${path}[]`, fold, (at, inside) => {
      if (at < vector.offsets[row]!) row = 0;
      while (vector.offsets[row + 1]! <= at) row += 1;
      if (isValid(vector, row)) found(row, inside);
    });
  }
}

function hasMore(type: ColumnType, known: ColumnType, fold: (name: string) => string): boolean {
  if (type.kind === "struct" && known.kind === "struct") {
    const own = new Map(known.fields.map((field) => [fold(field.name), field]));
    return type.fields.some((field) => {
      const member = own.get(fold(field.name));
      return member === undefined ? field.type.kind !== "null" : hasMore(field.type, member.type, fold);
    });
  }
  if (type.kind === "list" && known.kind === "list")
    return hasMore(type.element.type, known.element.type, fold);
  return type.kind === "map" && known.kind === "map" && hasMore(type.value.type, known.value.type, fold);
}

/** The same values without the members that `type` lacks. */
function withoutNews(vector: Vector, type: ColumnType, fold: (name: string) => string): Vector {
  if (vector.layout === "dictionary") return withoutNews(materialize(vector), type, fold);
  if (vector.layout === "struct" && vector.type.kind === "struct" && type.kind === "struct") {
    const own = new Map(type.fields.map((field) => [fold(field.name), field]));
    const kept = vector.type.fields.flatMap((field, i) => {
      const known = own.get(fold(field.name));
      if (known === undefined) return [];
      const child = withoutNews(vector.children[i]!, known.type, fold);
      return [{ field: { ...field, type: child.type }, child }];
    });
    return {
      ...vector,
      type: { kind: "struct", fields: kept.map(({ field }) => field) },
      children: kept.map(({ child }) => child),
    };
  }
  if (vector.layout === "list" && vector.type.kind === "list" && type.kind === "list") {
    const child = withoutNews(vector.child, type.element.type, fold);
    return {
      ...vector,
      type: { kind: "list", element: { ...vector.type.element, type: child.type } },
      child,
    };
  }
  if (vector.layout === "map" && vector.type.kind === "map" && type.kind === "map") {
    const values = withoutNews(vector.values, type.value.type, fold);
    return {
      ...vector,
      type: { ...vector.type, value: { ...vector.type.value, type: values.type } },
      values,
    };
  }
  return vector;
}

/** A struct whose members fit; those that do not are null, and their rows are named. Members that the type lacks stay as they are. */
function fitMembers(
  vector: Vector & { readonly layout: "struct" },
  type: ColumnType & { readonly kind: "struct" },
  path: string,
  fold: (name: string) => string,
): Fit {
  const own = vector.type.kind === "struct" ? vector.type.fields : [];
  const known = new Map(type.fields.map((field) => [fold(field.name), field]));
  let misfits: Uint8Array | undefined;
  const children = own.map((field, i) => {
    const member = known.get(fold(field.name));
    const child = vector.children[i]!;
    if (member === undefined) return child;
    const fit = fitVector(child, member.type, `${path}.${field.name}`, (struct, inner, inside) =>
      fitMembers(struct, inner, inside, fold),
    );
    const lacks = new Uint8Array((vector.length + 7) >> 3);
    let any = false;
    for (let row = 0; row < vector.length; row++) {
      const isBad =
        (fit.misfits !== undefined && bitAt(fit.misfits, row)) ||
        (!member.nullable && !isValid(fit.vector, row));
      if (!isBad || !isValid(vector, row)) continue;
      lacks[row >> 3]! |= 1 << (row & 7);
      any = true;
    }
    if (any) misfits = misfits === undefined ? lacks : misfits.map((bits, at) => bits | lacks[at]!);
    return fit.vector;
  });
  const fields = own.map((field, i) => ({ ...field, type: children[i]!.type, nullable: true }));
  const fitting: Vector = { ...vector, type: { kind: "struct", fields }, children };
  return misfits === undefined ? { vector: fitting } : { vector: fitting, misfits };
}
