import { checkResources } from "./check-resources.ts";
import { checkContract, joinContracts, type ContractOption } from "./contract.ts";
import { describeValue } from "./columns/refuse.ts";
import { AlluviumError } from "./errors.ts";
import { nestingOf } from "./nesting-option.ts";
import type { NestingOption } from "./resource-options.ts";
import type { Ability, Source } from "./stream.ts";
import type { AnyResource, RowOf } from "./transform.ts";

/** The types of a list of resources, by name. */
export type TablesOf<Resources extends readonly AnyResource[]> = {
  readonly [R in Resources[number] as R["name"]]: {
    readonly row: RowOf<R>;
    readonly ability: NonNullable<R["$ability"]> & Ability;
  };
};

/** A source made of resources, which can be used by themselves too. */
export interface ResourceSource<Resources extends readonly AnyResource[]> extends Source<
  TablesOf<Resources>
> {
  /** By name. */
  readonly resources: { readonly [R in Resources[number] as R["name"]]: R };
}

/** What a {@link source} says for all of its resources. */
export interface SourceOptions {
  /** What becomes of lists, maps and objects in the rows of resources that do not say it themselves. @default "native" */
  readonly nesting?: NestingOption;
  /**
   * What happens where rows bring what their table does not have, for what resources do not say themselves. The contract of a run comes before
   * both. @default "evolve"
   */
  readonly contract?: ContractOption;
}

/**
 * Groups resources that share a configuration: returns the function that makes the source. `build` is called with what that function is given
 * and does no I/O; it may list resources of its own (`resource`), ones derived from them, and those of connectors.
 * Two resources of one name are `ALV_NAME_COLLISION`.
 *
 * @example
 * ```ts
 * const crm = source("crm", (config: { token: Secret }) => [ordersOf(config), customersOf(config)]);
 * const load = pipeline({ name: "crm", source: crm({ token: env("CRM_TOKEN") }), destination });
 * ```
 */
export function source<
  const Name extends string,
  Config extends readonly unknown[],
  const Resources extends readonly AnyResource[],
>(
  name: Name,
  build: (...config: Config) => Resources,
  options: SourceOptions = {},
): (...config: Config) => ResourceSource<Resources> {
  const nesting = nestingOf(name, options.nesting);
  const { contract } = options;
  checkContract(contract, (option, value, wanted) => sourceError(name, option, value, wanted));
  return (...config) => {
    const resources = build(...config);
    if (!Array.isArray(resources) || !resources.every((one) => one?.definition !== undefined))
      throw new AlluviumError(
        "ALV_CONFIG",
        `source ${JSON.stringify(name)}: the function returned ${describeValue(resources)}; it must return a list of resources, and no promise`,
      );
    const byName: Record<string, AnyResource> = Object.create(null) as Record<string, AnyResource>;
    for (const one of resources) {
      if (byName[one.name] !== undefined)
        throw new AlluviumError(
          "ALV_NAME_COLLISION",
          `source ${JSON.stringify(name)} has two resources called ${JSON.stringify(one.name)}: rename one with as()`,
          { resource: one.name },
        );
      byName[one.name] = one;
    }
    const definitions = resources.map(({ definition }) => {
      const { table } = definition;
      return {
        ...definition,
        table: {
          ...table,
          nesting: table.nesting ?? nesting,
          contract: contract === undefined ? table.contract : joinContracts(table.contract, contract),
        },
      };
    });
    checkResources(name, definitions);
    return {
      specVersion: 1,
      name,
      resources: byName as never,
      open: (context) => context.openResources(name, definitions, context),
    };
  };
}

function sourceError(source: string, option: string, value: unknown, wanted: string): AlluviumError {
  return new AlluviumError(
    "ALV_CONFIG",
    `source ${JSON.stringify(source)}: ${option} is ${describeValue(value)}; it must be ${wanted}`,
  );
}
