import { scalarReader, isValid, type StructVector, type Vector } from "@alluvium/core/columns";

/**
 * Reads rows of a vector as the values that JSON would hold: structs as objects without their null members, maps with text keys as
 * objects, lists as arrays, integers as number where a double holds them and bigint beyond. Members named in `without` are left out.
 */
export function cellOf(vector: Vector, without: readonly string[] = []): (row: number) => unknown {
  const read = valueOf(vector, without);
  return vector.nullCount === 0 ? read : (row) => (isValid(vector, row) ? read(row) : null);
}

function valueOf(vector: Vector, without: readonly string[]): (row: number) => unknown {
  switch (vector.layout) {
    case "struct": {
      const members = membersOf(vector).flatMap(([name, child]) =>
        without.includes(name) ? [] : [[name, cellOf(child)] as const],
      );
      return (row) => {
        const value: Record<string, unknown> = {};
        for (const [name, read] of members) {
          const member = read(row);
          if (member !== null) value[name] = member;
        }
        return value;
      };
    }
    case "list": {
      const read = cellOf(vector.child);
      const { offsets } = vector;
      return (row) => {
        const values: unknown[] = [];
        for (let i = offsets[row]!; i < offsets[row + 1]!; i++) values.push(read(i));
        return values;
      };
    }
    case "map": {
      const keys = cellOf(vector.keys);
      const values = cellOf(vector.values);
      const { offsets } = vector;
      return (row) => {
        const value: Record<string, unknown> = {};
        for (let i = offsets[row]!; i < offsets[row + 1]!; i++) value[String(keys(i))] = values(i);
        return value;
      };
    }
    case "null":
      return () => null;
    case "dictionary": {
      const read = cellOf(vector.dictionary);
      const { codes } = vector;
      return (row) => read(codes[row]!);
    }
    default: {
      const read = scalarReader(vector);
      return (row) => {
        const value = read(row);
        if (typeof value !== "bigint") return value;
        const double = Number(value);
        return Number.isSafeInteger(double) ? double : value;
      };
    }
  }
}

/** The members of a struct vector by name. */
export function membersOf(vector: StructVector): (readonly [name: string, child: Vector])[] {
  const { type } = vector;
  return type.kind === "struct" ? type.fields.map(({ name }, i) => [name, vector.children[i]!] as const) : [];
}
