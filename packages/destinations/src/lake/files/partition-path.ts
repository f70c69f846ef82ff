import type { PartitionValues } from "../contract.ts";

/** Directory name of null, as Hive, Spark and DuckDB have it. */
const NULL = "__HIVE_DEFAULT_PARTITION__";

/**
 * The directory of a partition, `country=de/day=2024-05-01/` (with a `/` at its end; empty without partitions). What file systems or
 * readers take for something else is percent-encoded, as Hive does.
 *
 * Source: https://github.com/apache/hive/blob/master/common/src/java/org/apache/hadoop/hive/common/FileUtils.java (charToEscape)
 */
export function partitionDirectory(partition: PartitionValues): string {
  let path = "";
  for (const [name, value] of Object.entries(partition)) path += `${escapeName(name)}=${segment(value)}/`;
  return path;
}

function segment(value: string | null): string {
  if (value === null || value === "") return NULL;
  // The name of null as a value: written so that readers decode it to the text.
  return value === NULL ? `%5F${NULL.slice(1)}` : escapeName(value);
}

// Control characters and  " # % ' * / : = ? \ { [ ] ^  of Hive;  < > |  and spaces and dots at the end for Windows.
// eslint-disable-next-line no-control-regex
const special = /[\u0000-\u001f\u007f"#%'*/:=?\\{[\]^<>|]|[ .]$/g;

function escapeName(text: string): string {
  return text.replace(
    special,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** The partition values that a path's directories say, from {@link partitionDirectory}; other directories are ignored. */
export function parsePartitionPath(path: string): PartitionValues {
  const values: Record<string, string | null> = {};
  for (const directory of path.split("/").slice(0, -1)) {
    const at = directory.indexOf("=");
    if (at <= 0) continue;
    const value = directory.slice(at + 1);
    values[unescapeName(directory.slice(0, at))] = value === NULL ? null : unescapeName(value);
  }
  return values;
}

function unescapeName(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
