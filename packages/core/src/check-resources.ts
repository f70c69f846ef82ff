import { describeResource } from "./describe-resource.ts";
import { resourceError } from "./errors.ts";
import { planSteps } from "./plan-steps.ts";
import type { ReadRoot, ResourceDefinition } from "./resource-definition.ts";
import { fieldsOfHints } from "./schema/hints.ts";
import type { Field } from "./schema/types.ts";
import type { TableDescription } from "./stream.ts";

/**
 * Refuses what can be known to be wrong with the resources of a source before any is read (`ALV_CONFIG`, `ALV_NAME_COLLISION`). What their
 * schemas describe is not looked at: reading schemas is the runner's.
 */
export function checkResources(name: string, definitions: readonly ResourceDefinition[]): void {
  const roots = new Map<string, ReadRoot>();
  for (const definition of definitions) {
    const { root } = definition;
    if (root.kind !== "read") continue;
    const other = roots.get(root.name) ?? root;
    if (other !== root)
      throw resourceError(
        "ALV_NAME_COLLISION",
        root.name,
        `source ${JSON.stringify(name)} has resources derived from two that are called ${JSON.stringify(root.name)}: their state goes by that name, so give one of them another`,
      );
    roots.set(root.name, root);
    planSteps({ ...describeResource(definition, describeRoot(root)), steps: definition.steps });
  }
}

/** The table of a user's read before any step; `known` are the columns that its schema describes. */
export function describeRoot(
  { name, columns, cursor, partial }: ReadRoot,
  known?: readonly Field[],
): TableDescription {
  return {
    name,
    schema: { fields: fieldsOfHints(columns, known) },
    open: known === undefined,
    primaryKey: [],
    disposition: { kind: "append" },
    partitionBy: [],
    cursorColumn: cursor?.column,
    partial,
  };
}
