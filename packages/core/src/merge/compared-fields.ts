/**
 * The columns by which `scd2` tells versions apart: all but the system's. The id of a row stands for what it holds, child tables included, so it
 * is one of them.
 */
export function comparedFields<Column extends { readonly name: string }>(
  fields: readonly Column[],
): readonly Column[] {
  return fields.filter(({ name }) => !name.startsWith("_alv_") || name === "_alv_row_id");
}
