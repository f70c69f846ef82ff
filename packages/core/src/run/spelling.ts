import type { Capabilities } from "../destination.ts";
import { resourceError } from "../errors.ts";
import { spellName } from "../schema/names.ts";
import type { Field } from "../schema/types.ts";
import type { TableDescription } from "../stream.ts";
import { messageOf } from "./retry.ts";

/** The system column that names the load which wrote a row. */
export const loadIdField: Field = { name: "_alv_load_id", type: { kind: "string" }, nullable: true };

/** Names of one table and its columns at the destination. */
export interface Spelling {
  readonly table: string;
  /** The destination's name of a source's column. Throws `ALV_NAME_COLLISION` where two would get the same. */
  column: (source: string) => string;
  /** The source's name of a destination's column, as far as it was asked for. */
  source: (column: string) => string;
}

/** How names of a resource are spelled before it is known whether they are free. Throws `ALV_CONFIG` where its naming gives no name. */
export function speller({ name: resource, naming }: TableDescription): (name: string) => string {
  return (name) => {
    try {
      const spelled: unknown = spellName(name, naming);
      if (typeof spelled === "string") return spelled;
      throw new TypeError(`it gave ${String(spelled)}`);
    } catch (cause) {
      const why = `its naming failed for ${JSON.stringify(name)}: ${messageOf(cause)}; it must give a name for every name`;
      throw resourceError("ALV_CONFIG", resource, why, { cause });
    }
  };
}

/** How a resource's table and columns are spelled. Names that start with `_alv_` are ours. */
export function createSpelling(description: TableDescription, capabilities: Capabilities): Spelling {
  const { name: resource } = description;
  const spell = speller(description);
  const { foldsCase, maxIdentifierLength = Infinity } = capabilities;
  const columns = new Map<string, string>();
  const sources = new Map<string, string>();
  const fold = (name: string): string => (foldsCase ? name.toLowerCase() : name);

  function check(what: string, name: string): string {
    const size = Buffer.byteLength(name);
    const isOurs = name.toLowerCase().startsWith("_alv_");
    const why =
      size === 0
        ? "an empty name"
        : isOurs
          ? "a reserved name (the system's own start with _alv_)"
          : size > maxIdentifierLength
            ? `a name of ${size} bytes, the destination takes ${maxIdentifierLength}`
            : undefined;
    if (why === undefined) return name;
    throw resourceError(
      isOurs ? "ALV_NAME_COLLISION" : "ALV_CONFIG",
      resource,
      `its ${what} ${name} has ${why}; rename it`,
    );
  }

  return {
    table: check("table", description.table ?? spell(resource)),
    column(source) {
      const known = columns.get(source);
      if (known !== undefined) return known;
      const column = check("column", spell(source));
      const other = sources.get(fold(column));
      if (other !== undefined)
        throw resourceError(
          "ALV_NAME_COLLISION",
          resource,
          `its columns ${JSON.stringify(other)} and ${JSON.stringify(source)} are both called ${column} at the destination; rename one, or choose another naming`,
          { step: "plan" },
        );
      columns.set(source, column);
      sources.set(fold(column), source);
      return column;
    },
    source: (column) => sources.get(fold(column)) ?? column,
  };
}
