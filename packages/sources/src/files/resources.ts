import { originResource, type Resource, type Source, type SourceTables } from "@alluvium/core";

/** The resources of a source by name, typed. */
export type ResourcesOf<Tables extends SourceTables> = {
  readonly [Name in keyof Tables & string]: Resource<Name, Tables[Name]["row"], Tables[Name]["ability"]>;
};

/** The tables of a source as resources. */
export function resourcesOf<Tables extends SourceTables>(
  names: readonly string[],
  source: () => Source,
): ResourcesOf<Tables> {
  const resources = names.map((name) => [name, originResource({ name, source })] as const);
  return Object.fromEntries(resources) as unknown as ResourcesOf<Tables>;
}
