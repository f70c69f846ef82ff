import { validityColumns, type Disposition, type MergeOptions, type Validity } from "../disposition.ts";

/** The options of a merge with the table's names for the source's columns. Those of validity columns are taken as they are. */
export function spellMerge(
  disposition: Disposition,
  merge: MergeOptions | undefined,
  spell: (column: string) => string,
): MergeOptions | undefined {
  if (disposition.kind !== "merge") return undefined;
  const { orderBy, deleteFlag, mergeKey } = merge ?? {};
  const spelled = (column: string | undefined): string | undefined => column && spell(column);
  return {
    orderBy: spelled(orderBy),
    deleteFlag: spelled(deleteFlag),
    mergeKey: mergeKey?.map(spell),
    validity: disposition.strategy === "scd2" ? spellValidity(merge?.validity, spell) : undefined,
  };
}

function spellValidity(
  validity: Validity = { ...validityColumns, retireAbsent: false },
  spell: (column: string) => string,
): Validity {
  const { boundary } = validity;
  return boundary !== undefined && "column" in boundary
    ? { ...validity, boundary: { column: spell(boundary.column) } }
    : validity;
}

/** The source's columns that a merge needs beside the key, each with what it is for. */
export function mergeRoles(
  merge: MergeOptions | undefined,
): readonly (readonly [column: string, role: string])[] {
  const { orderBy, deleteFlag, mergeKey = [], validity } = merge ?? {};
  const boundary = validity?.boundary;
  const at = boundary !== undefined && "column" in boundary ? boundary.column : undefined;
  const single: readonly (readonly [string | undefined, string])[] = [
    [orderBy, "order"],
    [deleteFlag, "delete flag"],
    [at, "boundary"],
  ];
  return [
    ...mergeKey.map((column) => [column, "merge key"] as const),
    ...single.flatMap(([column, role]) => (column === undefined ? [] : [[column, role] as const])),
  ];
}

/** The names of the columns that an `scd2` table has beside the source's; none elsewhere. */
export function validityNames(merge: MergeOptions | undefined): readonly string[] {
  const { validity } = merge ?? {};
  return validity === undefined ? [] : [validity.from, validity.to, validity.active];
}
