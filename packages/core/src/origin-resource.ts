import type { ResourceDefinition } from "./resource-definition.ts";
import type { Ability, Source } from "./stream.ts";
import { makeResource, type Resource } from "./transform.ts";

/** A table of a connector's source, as {@link originResource} takes it. */
export interface OriginResourceOptions<Name extends string> {
  /** Name of the resource, and of its table in the source's streams. */
  readonly name: Name;
  /** The source that reads it. It is opened once for all of its resources that a pipeline reads. */
  readonly source: () => Source;
}

/**
 * For authors of connectors: a resource that stands for one table of their source, so that users can transform it and list it in sources of
 * their own. Key, disposition, cursor and types are those that the source describes once it is open.
 *
 * @example
 * ```ts
 * const shop: Source = { specVersion: 1, name: "shop", open };
 * const orders = originResource<"orders", Order, "append">({ name: "orders", source: () => shop });
 * const mine = source("mine", () => [orders.filter((row) => row.open).as("open_orders")]);
 * ```
 */
export function originResource<
  const Name extends string,
  Row extends object = Record<string, unknown>,
  Can extends Ability = Ability,
>(options: OriginResourceOptions<Name>): Resource<Name, Row, Can> {
  const { name, source } = options;
  const definition: ResourceDefinition = {
    name,
    root: { kind: "origin", source, table: name },
    steps: [],
    table: {
      primaryKey: undefined,
      disposition: undefined,
      merge: undefined,
      partitionBy: undefined,
      naming: undefined,
      contract: undefined,
      quarantine: undefined,
      nesting: undefined,
    },
  };
  return makeResource(definition) as unknown as Resource<Name, Row, Can>;
}
