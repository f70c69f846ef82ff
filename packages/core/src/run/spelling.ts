import type { Capabilities } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { spellName } from "../schema/names.ts";
import type { Field } from "../schema/types.ts";
import type { TableDescription } from "../stream.ts";

/** The system column that names the load which wrote a row. */
export const loadIdField: Field = { name: "_alv_load_id", type: { kind: "string" }, nullable: true };

/** Names of one table and its columns at the destination. */
export interface Spelling {
  readonly table: string;
  /** The destination's name of a source's column. Throws `ALV_NAME_COLLISION` where two would get the same. */
  column(source: string): string;
  /** The source's name of a destination's column, as far as it was asked for. */
  source(column: string): string;
}

/** How a resource's table and columns are spelled. Names that start with `_alv_` are ours. */
export function createSpelling(description: TableDescription, capabilities: Capabilities): Spelling {
  const { name: resource, naming = "snake" } = description;
  const columns = new Map<string, string>();
  const sources = new Map<string, string>();
  const fold = (name: string): string => (capabilities.foldsCase ? name.toLowerCase() : name);
  const table = description.table ?? spellName(resource, naming);
  checkName(table, `table ${table} of resource ${resource}`, capabilities);
  return {
    table,
    column(source) {
      const known = columns.get(source);
      if (known !== undefined) return known;
      const column = spellName(source, naming);
      checkName(column, `column ${column} of resource ${resource}`, capabilities);
      const other = sources.get(fold(column));
      if (other !== undefined)
        throw new AlluviumError(
          "ALV_NAME_COLLISION",
          `columns ${JSON.stringify(other)} and ${JSON.stringify(source)} of ${resource} are both called ${column} at the destination; rename one, or choose another naming`,
          { resource, step: "plan" },
        );
      columns.set(source, column);
      sources.set(fold(column), source);
      return column;
    },
    source: (column) => sources.get(fold(column)) ?? column,
  };
}

function checkName(name: string, what: string, capabilities: Capabilities): void {
  if (name === "")
    throw new AlluviumError("ALV_CONFIG", `${what} has an empty name; give it one by renaming`);
  if (name.toLowerCase().startsWith("_alv_"))
    throw new AlluviumError(
      "ALV_NAME_COLLISION",
      `${what} has a name of the system's own: names that start with _alv_ are reserved; rename it`,
    );
  const longest = capabilities.maxIdentifierLength;
  if (longest !== undefined && Buffer.byteLength(name) > longest)
    throw new AlluviumError(
      "ALV_CONFIG",
      `${what} has a name of ${Buffer.byteLength(name)} bytes, the destination takes ${longest}; rename it`,
    );
}
