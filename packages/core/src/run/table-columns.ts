import type { Batch } from "../columns/batch.ts";
import { castVector } from "../columns/cast.ts";
import { exceedsDouble } from "../columns/exceeds-double.ts";
import { contractOf } from "../contract.ts";
import type { Capabilities } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { isMark, parseName } from "../nesting/path.ts";
import { conformBatch } from "../schema/conform.ts";
import { evolveSchema } from "../schema/evolve.ts";
import { withType } from "../schema/members.ts";
import { hasMixed, jsonAt, jsonFields, jsonType, settleMixed, type TypePath } from "../schema/mixed-type.ts";
import { splitBatch } from "../schema/split.ts";
import type { Field, Schema } from "../schema/types.ts";
import { variantsOf, type VariantNames } from "../schema/variants.ts";
import type { TableState } from "../state/state.ts";
import type { TableDescription } from "../stream.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { loadIdField, type Spelling } from "./spelling.ts";
import { storedTypeOf } from "./stored-type.ts";

/** The columns of a table in the course of one run. */
export interface TableColumns {
  /** The columns by now. */
  readonly schema: Schema;
  /** The columns as of the last commit, JSON as such even where it is stored as text; `undefined`: there was none. */
  readonly committed: Schema | undefined;
  /** Whether the table is committed, be it by an earlier run. */
  readonly isCommitted: boolean;
  /** Whether a column that is not committed has integers that no double holds, so that it cannot become one. */
  keepsIntegers(column: string): boolean;
  /** The columns that the source has brought, by their names here. */
  readonly seen: ReadonlySet<string>;
  /** Grows by the columns of a source's schema; gives them under their names here. */
  take(incoming: Schema): Schema;
  /** What is JSON because of its values, for the table's state. */
  readonly json: readonly TypePath[];
  /** A batch with the columns that the table has; `named` has its schema from {@link take}. */
  fit(named: Batch): Batch;
  /** Refuses a table without its key, its cursor and the like. */
  requireColumns(): void;
  /** The columns that the source used to have. */
  missing(): readonly SchemaChange[];
  /** The columns by now are those that were declared: a contract that freezes holds to them before the first commit, too. */
  declare(): void;
  /** The columns are committed, and keep their types from now on. */
  commit(): void;
}

/** What the columns of a table start with. */
export interface TableColumnsOptions {
  readonly description: TableDescription;
  readonly spelling: Spelling;
  readonly capabilities: Capabilities;
  readonly loadIdColumn: boolean;
  /** The columns that the table has at the destination, without those that the destination adds itself. */
  readonly standing: Schema | undefined;
  /** What the state remembers of the table. */
  readonly known: TableState | undefined;
  /** The columns that it may have; `undefined`: any. */
  readonly agreed: Schema | undefined;
  /** The source's columns that the table cannot do without, each with what it is for. */
  readonly needed: readonly (readonly [column: string, role: string])[];
  /** Further columns whose values must stay in them: those of a window. */
  readonly chosen: readonly string[];
  /** Names that the destination gives to columns of its own. */
  readonly reserved: readonly string[];
  /** Told of each change as it happens. */
  readonly report: (changes: readonly SchemaChange[]) => void;
}

/** The columns of a table before its first batch. */
export function openColumns(options: TableColumnsOptions): TableColumns {
  const { description, spelling, capabilities, known, needed, report, loadIdColumn } = options;
  const { table, column: spell } = spelling;
  const { name: resource, partial } = description;
  const contract = contractOf(description.contract);
  const isFrozen = contract.columns === "freeze" || contract.types === "freeze";
  const { storedType, widens, foldsCase, maxIdentifierLength } = capabilities;
  const place = { resource, step: "write" } as const;
  let committed = options.standing;
  let schema: Schema = committed ?? { fields: [] };
  let declared: Schema | undefined;
  let created = committed !== undefined;
  /** Columns of a first load with integers that no double holds: none of them becomes one. */
  const exact = new Set<string>();
  const seen = new Set<string>();
  const names: VariantNames = {
    foldCase: foldsCase,
    maxLength: maxIdentifierLength,
    isReal: (column) => seen.has(column) || (known !== undefined && column in known.columns),
  };
  // Rows are found, ordered and chosen by these columns, so their values stay in them.
  const whole = new Set([...needed.map(([column]) => column), ...options.chosen, loadIdField.name]);
  const reserved = new Set(options.reserved.map(fold));
  const agreed = options.agreed && { fields: options.agreed.fields.map(asStored) };
  const agreedNames = agreed && new Set(agreed.fields.map(({ name }) => fold(name)));
  // Of a frozen table those columns have variants for which variants were agreed on.
  const agreedVariants = variantsOf(agreed?.fields ?? [], { foldCase: foldsCase });
  const splitting = new Set(agreedVariants.values());
  /** What is JSON because of its values: the column, and the way from it on. */
  const json = new Map((known?.json ?? []).map((path): [string, TypePath] => [JSON.stringify(path), path]));
  const splits = (column: string): boolean =>
    !whole.has(column) && (agreed === undefined ? contract.types === "evolve" : splitting.has(column));

  const hinted = new Set(description.schema.fields.map(({ name }) => spell(name)));
  const isJson = (column: string): boolean => json.has(JSON.stringify([column]));

  function fold(name: string): string {
    return foldsCase ? name.toLowerCase() : name;
  }

  let indexed: Schema = { fields: [] };
  let columnsByName = new Map<string, Field>();
  /** The table's column of a name. Asked for each column of a batch, of which there may be thousands. */
  function columnOf(name: string): Field | undefined {
    if (indexed !== schema) {
      indexed = schema;
      columnsByName = new Map(schema.fields.map((field) => [fold(field.name), field]));
    }
    return columnsByName.get(fold(name));
  }

  /** The table grows by columns; `variants` says which of them are variants. */
  function grow(fields: readonly Field[], variants?: ReadonlyMap<string, string>): void {
    const held = committed ?? (isFrozen ? declared : undefined);
    const limits =
      agreed === undefined
        ? {
            committed:
              held ?? (exact.size > 0 && { fields: schema.fields.filter(({ name }) => exact.has(name)) }),
            contract:
              held === undefined || contract.columns === "evolve" ? ("evolve" as const) : ("freeze" as const),
            widens: contract.types === "evolve" ? widens : undefined,
          }
        : { committed: true, contract: "freeze" as const };
    const stored = fields.map(asStored);
    // That a list is there and empty is nothing new, whatever has to be added to say so.
    const plain = stored.filter(({ name }) => !isMark(spelling.source(name)));
    const shared = { ...names, foldCase: foldsCase, splits, variants, table };
    let evolved = evolveSchema(schema, { fields: plain }, { ...limits, ...shared });
    if (plain.length < stored.length) {
      const { changes } = evolved;
      evolved = evolveSchema(
        evolved.schema,
        { fields: stored },
        { ...limits, ...shared, ...(agreed === undefined && { contract: "evolve" as const }) },
      );
      evolved = { schema: evolved.schema, changes: [...changes, ...evolved.changes] };
    }
    schema = evolved.schema;
    // Until a table is there its columns are news of its creation, not changes.
    if (!created) report([{ kind: "tableCreated" }]);
    else if (committed !== undefined) report(evolved.changes.filter(({ kind }) => kind !== "columnMissing"));
    created = true;
  }

  /** What a column of the source is to the table: what its values make JSON is, and a mixed one brings the type that it settles on. */
  function settle({ name, type, ...field }: Field): Field {
    const own = columnOf(name);
    const isNew = own === undefined || own.type.kind === "null";
    if (isNew && whole.has(name) && hasMixed(type))
      throw new AlluviumError(
        "ALV_SCHEMA_CONFLICT",
        `column ${spelling.source(name)} of ${resource} has values of several kinds, but rows are found or chosen by it: give it the hint { type: "string" }, or mend the values in map()`,
        place,
      );
    const path = [own?.name ?? name];
    // Elsewhere the type tells.
    const isText = storedType({ kind: "json" }).kind !== "json";
    if (isNew && type.kind === "json" && !hasMixed(type) && isText && description.open === true)
      json.set(JSON.stringify(path), path);
    let settled = settleMixed(type, own?.type, path, {
      splits: splits(own?.name ?? name),
      onJson: (at) => json.set(JSON.stringify(at), at),
    });
    for (const [column, ...rest] of json.values())
      if (column === path[0] && settled.kind !== "null") settled = jsonType(settled, rest);
    return { name, ...field, type: settled };
  }

  /** A batch in which that is JSON which the table has as JSON. `done`: what is so already, as the text that stands for it. */
  function withJson(batch: Batch, done: Set<string>): Batch {
    if (json.size === done.size) return batch;
    const columns = [...batch.columns];
    const before = done.size;
    for (const [path, [name, ...rest]] of json) {
      if (done.has(path)) continue;
      const at = batch.schema.fields.findIndex((field) => fold(field.name) === fold(name!));
      const column = at < 0 ? undefined : jsonAt(columns[at]!, rest);
      if (column === undefined) continue;
      columns[at] = column;
      done.add(path);
    }
    if (done.size === before) return batch;
    const fields = batch.schema.fields.map((field, i) => withType(field, columns[i]!.type));
    return { ...batch, schema: { fields }, columns };
  }

  function asStored(field: Field): Field {
    return { ...field, type: storedTypeOf(field.type, storedType) };
  }

  /** A table begins with the columns that were agreed on. */
  function agree(columns: Schema): void {
    if (committed === undefined) {
      schema = loadIdColumn ? { fields: [...columns.fields, loadIdField] } : columns;
      return;
    }
    const evolved = evolveSchema(committed, columns, {
      ...names,
      committed,
      foldCase: foldsCase,
      widens,
      table,
      variants: agreedVariants,
    });
    schema = evolved.schema;
    report(evolved.changes.filter(({ kind }) => kind !== "columnMissing"));
  }

  function refuseUnagreed(fields: readonly Field[]): void {
    if (agreedNames === undefined) return;
    for (const { name, type } of fields)
      if (name !== loadIdField.name && type.kind !== "null" && !agreedNames.has(fold(name)))
        throw new AlluviumError(
          "ALV_SCHEMA_CONFLICT",
          `column ${name} of ${table} is not in the pipeline's contract: leave it out with select, or take the contract anew from schema() after a run without it`,
          place,
        );
  }

  function refuseReserved(fields: readonly Field[]): void {
    for (const { name } of fields)
      if (reserved.has(fold(name)))
        throw new AlluviumError(
          "ALV_NAME_COLLISION",
          `column ${spelling.source(name)} of ${resource} has the name of a column that ${table} has to keep versions; rename one of them (validFrom, validTo and active name those of the table)`,
          place,
        );
  }

  /** Without state nobody knows which columns of a standing table are variants. */
  function refuseVariantNames(fields: readonly Field[]): void {
    if (known === undefined && options.standing !== undefined) return;
    const variants = variantsOf(schema.fields, names);
    for (const { name } of fields)
      // What nesting keeps as JSON has the name of a variant, and is one like any other.
      if (variants.has(name) && parseName(spelling.source(name)).token === undefined)
        throw new AlluviumError(
          "ALV_NAME_COLLISION",
          `${resource} has a new column ${spelling.source(name)}, but ${name} of ${table} holds the values of ${variants.get(name)} that do not fit there; rename the new one`,
          place,
        );
  }

  function noteExact({ schema: { fields }, columns }: Batch): void {
    fields.forEach(({ name, type }, i) => {
      if (type.kind === "int64" && !exact.has(name) && exceedsDouble(columns[i]!)) exact.add(name);
    });
  }

  /** A batch whose values fit the table, which grows by the variants of those that do not and by what is new in mixed values. */
  function takeApart(named: Batch, done: Set<string> = new Set()): Batch {
    const given = withJson(named, done);
    const before = schema;
    const { batch, variants } = splitBatch(given, schema, {
      ...names,
      committed: committed ?? { fields: [] },
      splits,
      keepsKinds: (column) => description.open === true && !hinted.has(column) && !isJson(column),
      storedType,
      widens,
    });
    if (batch === given) return given;
    grow(batch.schema.fields.map(settle), variants);
    // A member that is new may be mixed as well.
    const isMore = schema !== before && batch.schema.fields.some(({ type }) => hasMixed(type));
    // And what is taken out of mixed values may be JSON to the table.
    const next = withJson(batch, done);
    return isMore || next !== batch ? takeApart(next, done) : batch;
  }

  /** Keys from which rows moved, as the table holds keys. */
  function fitKeys({ schema: { fields }, columns, length }: Batch): Batch {
    const own = fields.map((field, i): [Field, Batch["columns"][number]] => {
      const name = spell(field.name);
      const type = columnOf(name)?.type ?? field.type;
      return [{ ...field, name, type }, castVector(columns[i]!, type, name)];
    });
    return {
      schema: { fields: own.map(([field]) => field) },
      columns: own.map(([, column]) => column),
      length,
    };
  }

  if (agreed !== undefined) agree(agreed);

  return {
    get schema() {
      return schema;
    },
    get committed() {
      if (committed === undefined) return undefined;
      let { fields } = committed;
      for (const path of json.values()) fields = jsonFields(fields, path);
      return { fields };
    },
    get json() {
      return [...json.values()];
    },
    keepsIntegers: (column) => exact.has(column),
    get isCommitted() {
      return committed !== undefined;
    },
    seen,
    take(incoming) {
      const fields: readonly Field[] = [
        ...incoming.fields.map((field) => ({ ...field, name: spell(field.name) })),
        ...(loadIdColumn ? [loadIdField] : []),
      ];
      refuseReserved(fields);
      refuseUnagreed(fields);
      refuseVariantNames(fields);
      for (const { name } of fields) if (name !== loadIdField.name) seen.add(name);
      grow(fields.map(settle));
      return { fields };
    },
    fit(named) {
      const batch = takeApart(named);
      const fitted = conformBatch(batch, schema, names);
      if (committed === undefined && description.open === true) noteExact(fitted);
      const { changes } = fitted;
      return changes?.oldKeys === undefined
        ? fitted
        : { ...fitted, changes: { ...changes, oldKeys: fitKeys(changes.oldKeys) } };
    },
    requireColumns() {
      for (const [column, role] of needed) {
        if (seen.has(column)) continue;
        const has = `the source has ${[...seen].join(", ")}`;
        throw known !== undefined && column in known.columns
          ? new AlluviumError(
              "ALV_SCHEMA_CONFLICT",
              `column ${column} of ${table} is gone at the source, but it is its ${role} column; ${has}`,
              place,
            )
          : new AlluviumError(
              "ALV_SOURCE_NOT_FOUND",
              `${resource} has no column ${spelling.source(column)}, which is named as its ${role} column; ${has}`,
              place,
            );
      }
    },
    missing: () =>
      seen.size === 0 || partial === true
        ? []
        : [
            ...new Set([
              ...Object.keys(known?.columns ?? {}),
              ...(agreed?.fields ?? []).map(({ name }) => name),
            ]),
          ]
            .filter((column) => !seen.has(column) && !agreedVariants.has(column))
            .map((column) => ({ kind: "columnMissing", column })),
    declare() {
      declared = schema;
    },
    commit() {
      committed = schema;
    },
  };
}
