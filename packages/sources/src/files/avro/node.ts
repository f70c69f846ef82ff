/** A type of an Avro schema, its names resolved. Records may hold themselves. */
export type AvroNode =
  | AvroPrimitive
  | AvroFixed
  | { readonly kind: "enum"; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: "array"; readonly items: AvroNode }
  | { readonly kind: "map"; readonly values: AvroNode }
  | AvroRecord
  | { readonly kind: "union"; readonly branches: readonly AvroNode[] };

/** A type without parts. */
export interface AvroPrimitive {
  readonly kind: "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string";
  readonly logical?: AvroLogical | undefined;
}

/** Values of a fixed number of bytes. */
export interface AvroFixed {
  readonly kind: "fixed";
  readonly name: string;
  readonly size: number;
  readonly logical?: AvroLogical | undefined;
}

/** Named fields, in the order of their bytes. */
export interface AvroRecord {
  readonly kind: "record";
  readonly name: string;
  /** Filled in after the record is known by its name. */
  readonly fields: { readonly name: string; readonly node: AvroNode }[];
}

/** What the bytes of a type stand for. */
export interface AvroLogical {
  readonly name: string;
  readonly precision: number;
  readonly scale: number;
}

/** Whether a record can be reached from itself. */
export function isRecursive(record: AvroRecord): boolean {
  const seen = new Set<AvroNode>();
  const reaches = (node: AvroNode): boolean => {
    if (node === record) return true;
    if (seen.has(node)) return false;
    seen.add(node);
    return partsOf(node).some(reaches);
  };
  return partsOf(record).some(reaches);
}

function partsOf(node: AvroNode): readonly AvroNode[] {
  switch (node.kind) {
    case "record":
      return node.fields.map((field) => field.node);
    case "array":
      return [node.items];
    case "map":
      return [node.values];
    case "union":
      return node.branches;
    default:
      return [];
  }
}
