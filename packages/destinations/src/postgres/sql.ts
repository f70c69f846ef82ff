/** An identifier as SQL: quoted, so that case, spaces and quotes survive. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant as SQL. Holds whatever `standard_conforming_strings` says: backslashes are written in the escape form. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** `schema.name` as SQL. */
export function relationName(relation: { readonly schema: string; readonly name: string }): string {
  return `${identifier(relation.schema)}.${identifier(relation.name)}`;
}
