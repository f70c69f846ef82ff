import type { Schema, Field } from "../schema/types.ts";
import { hasMixed, isMixed } from "../schema/mixed-type.ts";
import { widenTypes } from "../schema/widen.ts";

/** What {@link settledColumns} goes by. */
export interface FirstTypes {
  /** The table's columns so far. */
  readonly own: Schema;
  /** Those of a batch, as the source names them. */
  readonly incoming: Schema;
  /** Whether a column of the source is one of the table. */
  readonly isOwn: (incoming: string, own: string) => boolean;
  /** Whether a column has integers that no double holds. */
  readonly keepsIntegers: (own: string) => boolean;
}

/**
 * The columns that a batch of a table's first load is held to, where a contract decides on types row by row and nothing was declared: those whose values
 * so far settled a type that the batch's values do not all share. Others follow their values.
 */
export function settledColumns({ own: so, incoming, isOwn, keepsIntegers }: FirstTypes): Schema {
  const fields: Field[] = [];
  for (const own of so.fields) {
    const type = incoming.fields.find(({ name }) => isOwn(name, own.name))?.type;
    if (type === undefined || type.kind === "null" || own.type.kind === "null") continue;
    if (keepsIntegers(own.name)) fields.push(own);
    else if (widenTypes(own.type, type) === undefined || hasMixed(type)) {
      // The numbers among them may still make a column of integers one of fractions.
      const numbers = type.kind === "json" && isMixed(type) ? widenTypes(own.type, type.mixed!) : undefined;
      fields.push({ ...own, type: numbers ?? own.type });
    }
  }
  return { fields };
}
