import { AlluviumError } from "@alluvium/core";
import type { Relation } from "./catalogue.ts";
import { suggestion } from "./near.ts";
import type { CheckedOptions, PostgresTableOptions } from "./options.ts";

/** A relation that is to be read, under its resource's name. */
export interface ChosenTable {
  readonly name: string;
  readonly relation: Relation;
  readonly options: PostgresTableOptions;
}

const readable = new Set(["r", "p", "v", "m", "f"]);

/** The schemas that the options speak of. A point in a name may also belong to the name: schemas that do not exist do no harm. */
export function schemasOf(options: CheckedOptions): readonly string[] {
  const names = [...namesOf(options), ...(options.exclude ?? [])];
  const prefixes = names.filter((name) => name.includes(".")).map((name) => name.slice(0, name.indexOf(".")));
  return [...new Set([options.schema ?? "public", ...prefixes])];
}

function namesOf({ tables }: CheckedOptions): readonly string[] {
  return tables === undefined ? [] : Array.isArray(tables) ? tables : Object.keys(tables);
}

/** What the options choose of all relations. Throws `ALV_SOURCE_NOT_FOUND` with near names. */
export function chooseTables(
  options: CheckedOptions,
  relations: readonly Relation[],
  schemas: readonly string[],
): readonly ChosenTable[] {
  const { tables, views = false } = options;
  const schema = options.schema ?? "public";
  const named = relations.filter(({ kind }) => readable.has(kind));
  const nameOf = (relation: Relation): string =>
    relation.schema === schema ? relation.name : `${relation.schema}.${relation.name}`;
  const excluded = (options.exclude ?? []).map(pattern);
  const isExcluded = (name: string): boolean => excluded.some((matches) => matches(name));
  // What "all" and patterns mean: no partitions (their root has their rows) and nothing that an extension brought.
  const ordinary = named.filter(
    (relation) =>
      !relation.isPartition &&
      !relation.ofExtension &&
      (views || (relation.kind !== "v" && relation.kind !== "m")),
  );
  const find = (name: string): Relation | undefined =>
    named.find((relation) => nameOf(relation) === name) ??
    named.find((relation) => `${relation.schema}.${relation.name}` === name);

  if (tables === undefined) {
    if (options.queries !== undefined) return [];
    const all = ordinary.filter((relation) => relation.schema === schema && !isExcluded(nameOf(relation)));
    if (all.length === 0)
      throw notFound(
        `schema "${schema}" has no tables${relations.length > 0 ? " to read" : ""}${schemas.includes(schema) ? "" : suggestion(schema, schemas)}`,
      );
    return all.map((relation) => ({ name: nameOf(relation), relation, options: {} }));
  }
  const chosen = new Map<string, ChosenTable>();
  const add = (name: string, relation: Relation, of: PostgresTableOptions): void => {
    if (!isExcluded(name)) chosen.set(name, { name, relation, options: of });
  };
  const missing = (name: string): AlluviumError => {
    const point = name.indexOf(".");
    const prefix = point < 0 ? schema : name.slice(0, point);
    const known = schemas.includes(prefix)
      ? suggestion(name, named.map(nameOf))
      : `; there is no schema "${prefix}"${suggestion(prefix, schemas)}`;
    return notFound(
      `there is no table or view "${name}"${point < 0 ? ` in schema "${schema}"` : ""}${known}`,
    );
  };
  const list: readonly (readonly [string, PostgresTableOptions])[] = Array.isArray(tables)
    ? (tables as readonly string[]).map((name) => [name, {}] as const)
    : Object.entries(tables as Readonly<Record<string, PostgresTableOptions>>);
  for (const [name, of] of list) {
    const relation = find(name);
    if (relation !== undefined) add(name, relation, of);
    else if (Array.isArray(tables) && /[*?]/.test(name)) {
      const matches = pattern(name);
      const found = ordinary.filter((each) => matches(nameOf(each)));
      if (found.length === 0)
        throw notFound(`no table matches "${name}"${suggestion(name, named.map(nameOf))}`);
      for (const each of found) add(nameOf(each), each, {});
    } else throw missing(name);
  }
  return [...chosen.values()];
}

function pattern(text: string): (name: string) => boolean {
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const expression = new RegExp(`^${source}$`, "su");
  return (name) => expression.test(name);
}

function notFound(what: string): AlluviumError {
  return new AlluviumError("ALV_SOURCE_NOT_FOUND", `postgres: ${what}`, { step: "open" });
}
