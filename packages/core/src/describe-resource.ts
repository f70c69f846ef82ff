import { joinContracts } from "./contract.ts";
import { renameWindow } from "./disposition.ts";
import { joinLimits } from "./quarantine-limits.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import type { TableDescription } from "./stream.ts";
import {
  checksAfter,
  columnAfter,
  keyAfter,
  maskedAfter,
  partitionsAfter,
  schemaAfter,
} from "./plan-steps.ts";

/** The table that a resource becomes: what its definition says, and for the rest what its origin's table has. */
export function describeResource(definition: ResourceDefinition, origin: TableDescription): TableDescription {
  const { name, steps, table } = definition;
  const { cursorColumn } = origin;
  return {
    name,
    schema: schemaAfter(origin.schema, steps),
    open: origin.open === true || steps.some(({ kind }) => kind === "map" || kind === "flatMap"),
    primaryKey: table.primaryKey ?? keyAfter(origin.primaryKey, steps),
    disposition:
      table.disposition ?? renameWindow(origin.disposition, (column) => columnAfter(column, steps) ?? column),
    partitionBy: table.partitionBy ?? partitionsAfter(origin.partitionBy, steps),
    merge: table.merge ?? (table.disposition === undefined ? origin.merge : undefined),
    cursorColumn: cursorColumn === undefined ? undefined : columnAfter(cursorColumn, steps),
    naming: table.naming ?? origin.naming,
    contract: joinContracts(table.contract, origin.contract),
    quarantine: joinLimits(table.quarantine, origin.quarantine),
    checks: checksAfter(name, table.checks, steps) ?? origin.checks,
    masked: maskedAfter(origin.masked ?? [], steps),
    nesting: table.nesting ?? origin.nesting,
    partial: origin.partial,
    // A resource that goes by its own name keeps the table that the connector gave it; a renamed one is another table.
    table: name === origin.name ? origin.table : undefined,
  };
}
