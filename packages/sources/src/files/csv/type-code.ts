import type { ColumnType } from "@alluvium/core";

const SHORT: { readonly [code: string]: ColumnType } = {
  n: { kind: "null" },
  s: { kind: "string" },
  i: { kind: "int64" },
  f: { kind: "float64" },
  b: { kind: "boolean" },
  d: { kind: "date" },
  z: { kind: "timestamp", zone: "utc" },
  t: { kind: "timestamp", zone: "local" },
};

/** A type in a few characters; that of a declared column is not kept, since whoever reads on declares it again. */
export function codeOf(type: ColumnType): string {
  if (type.kind === "decimal") return `${type.precision},${type.scale}`;
  const code = Object.keys(SHORT).find((short) => {
    const other = SHORT[short]!;
    return other.kind === type.kind && (!("zone" in other) || ("zone" in type && other.zone === type.zone));
  });
  return code ?? "n";
}

/** The type of a code. */
export function typeOf(code: string): ColumnType {
  const [precision, scale] = code.split(",").map(Number);
  return SHORT[code] ?? { kind: "decimal", precision: precision!, scale: scale! };
}
