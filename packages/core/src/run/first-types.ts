import type { Schema, Field } from "../schema/types.ts";
import { hasMixed, isMixed } from "../schema/mixed-type.ts";
import { widenTypes } from "../schema/widen.ts";

/**
 * The columns that a batch of a table's first load is held to, where a contract decides on types row by row and nothing was declared: those whose values
 * so far settled a type that the batch's values do not all share. Others follow their values.
 */
export function settledColumns(
  so: Schema,
  incoming: Schema,
  same: (column: string, own: string) => boolean,
): Schema {
  const fields: Field[] = [];
  for (const own of so.fields) {
    const type = incoming.fields.find(({ name }) => same(name, own.name))?.type;
    if (type === undefined || type.kind === "null" || own.type.kind === "null") continue;
    const wider = widenTypes(own.type, type);
    if (wider !== undefined && !hasMixed(type)) continue;
    // The numbers among them may still make an integer column one of decimals.
    const most =
      isMixed(type) && type.kind === "json" && type.mixed ? widenTypes(own.type, type.mixed) : undefined;
    fields.push({ ...own, type: most ?? own.type });
  }
  return { fields };
}
