import { originResource, type Resource, type Source, type SourceTables } from "@alluvium/core";

/** The resources of a source by name, typed. */
export type ResourcesOf<Tables extends SourceTables> = {
  readonly [Name in keyof Tables & string]: Resource<Name, Tables[Name]["row"], Tables[Name]["ability"]>;
};

/**
 * The resources by name, made when they are asked for: which tables there are is known only when the source is open, so any name gives one, and
 * one that does not exist is an error of the run.
 */
export function resourcesOf<Tables extends SourceTables>(source: () => Source): ResourcesOf<Tables> {
  const made = new Map<string, Resource>();
  return new Proxy(Object.create(null) as ResourcesOf<Tables>, {
    get(_, name) {
      // Inspection and promises ask for symbols and `then`; neither is a table that anybody means.
      if (typeof name !== "string" || name === "then") return undefined;
      let resource = made.get(name);
      if (resource === undefined) made.set(name, (resource = originResource({ name, source })));
      return resource;
    },
    has: (_, name) => typeof name === "string" && name !== "then",
  });
}
