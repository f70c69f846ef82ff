import type { ColumnType, Field } from "@alluvium/core";
import {
  putScalar,
  textWriter,
  writeText,
  type BooleanBuilder,
  type Builder,
  type BytesBuilder,
  type FixedBuilder,
  type ListBuilder,
  type MapBuilder,
  type StructBuilder,
} from "@alluvium/core/columns";
import type { AvroCursor } from "./cursor.ts";
import { jsonReaderOf } from "./json-reader.ts";
import { leafOf, type Nanoseconds } from "./leaf.ts";
import { isRecursive, type AvroNode } from "./node.ts";

/** A type as a column. */
export interface AvroColumn {
  readonly field: Field;
  /** What puts a value into the builder of the field's type. */
  readonly putter: (builder: Builder) => (cursor: AvroCursor) => void;
}

type Putter = AvroColumn["putter"];

/**
 * The column of a type. A union with null may be null; one of integers is the widest of them, as one of floats is; any other, and records that hold themselves, are
 * JSON.
 */
export function columnOf(node: AvroNode, name: string, path: string, nanoseconds: Nanoseconds): AvroColumn {
  const column = (type: ColumnType, putter: Putter, nullable = false): AvroColumn => ({
    field: { name, type, nullable },
    putter,
  });
  switch (node.kind) {
    case "union":
      return unionColumn(node.branches, name, path, nanoseconds);
    case "enum": {
      const symbols = node.symbols.map((symbol) => Buffer.from(symbol));
      return column({ kind: "string" }, (builder) => (cursor) => {
        const symbol = symbols[cursor.index(symbols.length, "an enum has symbol")]!;
        (builder as BytesBuilder).appendBytes(symbol, 0, symbol.length);
      });
    }
    case "array": {
      const item = columnOf(node.items, "element", `${path}[]`, nanoseconds);
      return column({ kind: "list", element: item.field }, (builder) => {
        const put = item.putter((builder as ListBuilder).child);
        return (cursor) => {
          cursor.items(() => put(cursor));
          (builder as ListBuilder).close();
        };
      });
    }
    case "map": {
      const value = columnOf(node.values, "value", `${path}{}`, nanoseconds);
      const key: Field = { name: "key", type: { kind: "string" }, nullable: false };
      return column({ kind: "map", key, value: value.field }, (builder) => {
        const putKey = bytesPutter((builder as MapBuilder).keys);
        const put = value.putter((builder as MapBuilder).values);
        return (cursor) => {
          cursor.items(() => {
            putKey(cursor);
            put(cursor);
          });
          (builder as MapBuilder).close();
        };
      });
    }
    case "record": {
      // A struct needs a member, and an end.
      if (node.fields.length === 0 || isRecursive(node)) return jsonColumn(node, name);
      const members = node.fields.map((field) =>
        columnOf(field.node, field.name, `${path}.${field.name}`, nanoseconds),
      );
      return column({ kind: "struct", fields: members.map(({ field }) => field) }, (builder) => {
        const puts = members.map(({ putter }, i) => putter((builder as StructBuilder).children[i]!));
        return (cursor) => {
          for (const put of puts) put(cursor);
          (builder as StructBuilder).close();
        };
      });
    }
    case "null":
      return column({ kind: "null" }, (builder) => () => builder.appendNull(), true);
    default: {
      const leaf = leafOf(node, path, nanoseconds);
      const { kind } = leaf.type;
      if ((node.kind === "string" && kind === "string") || (node.kind === "bytes" && kind === "binary"))
        return column(leaf.type, bytesPutter);
      if (node.kind === "long" && (kind === "int64" || node.logical?.name.endsWith("timestamp-micros")))
        return column(leaf.type, longPutter);
      return column(leaf.type, (builder) => leafPutter(leaf.type, leaf.read, builder));
    }
  }
}

function unionColumn(
  branches: readonly AvroNode[],
  name: string,
  path: string,
  nanoseconds: Nanoseconds,
): AvroColumn {
  const kept = branches.filter(({ kind }) => kind !== "null");
  const nullable = kept.length < branches.length;
  const columns = kept.map((branch) => columnOf(branch, name, path, nanoseconds));
  const isWide = (wide: string, narrow: string): boolean =>
    columns.length > 1 && columns.every(({ field: { type } }) => type.kind === wide || type.kind === narrow);
  const widest: ColumnType | undefined =
    columns.length === 0
      ? { kind: "null" }
      : columns.length === 1
        ? columns[0]!.field.type
        : isWide("int64", "int32")
          ? { kind: "int64" }
          : isWide("float64", "float32")
            ? { kind: "float64" }
            : undefined;
  if (widest === undefined) return { ...jsonColumn({ kind: "union", branches }, name, nullable) };
  return {
    field: { name, type: widest, nullable },
    putter(builder) {
      let next = 0;
      const puts = branches.map(({ kind }) => {
        if (kind === "null") return undefined;
        const { field, putter } = columns[next++]!;
        if (field.type.kind === widest.kind) return putter(builder);
        const leaf = leafOf(kept[next - 1] as Parameters<typeof leafOf>[0], path, nanoseconds);
        return (cursor: AvroCursor): void => {
          const value = leaf.read(cursor);
          putScalar(builder, widest.kind === "int64" ? BigInt(value as number) : value);
        };
      });
      return (cursor) => {
        const put = puts[cursor.index(puts.length, "a union has branch")];
        if (put === undefined) builder.appendNull();
        else put(cursor);
      };
    },
  };
}

function jsonColumn(node: AvroNode, name: string, nullable = false): AvroColumn {
  return {
    field: { name, type: { kind: "json" }, nullable },
    putter(builder) {
      const read = jsonReaderOf(node, false);
      const text = textWriter(builder as BytesBuilder);
      return (cursor) => {
        const value = read(cursor);
        if (nullable && value === "null") builder.appendNull();
        else writeText(text, value);
      };
    },
  };
}

/** The plain types go straight from bytes to the builder's arrays; the rest by way of a value. */
function leafPutter(
  type: ColumnType,
  read: ReturnType<typeof leafOf>["read"],
  builder: Builder,
): (cursor: AvroCursor) => void {
  switch (type.kind) {
    case "boolean":
      return (cursor) => (builder as BooleanBuilder).append(cursor.bytes[cursor.skip(1)] !== 0);
    case "int32":
    case "date": {
      const own = builder as FixedBuilder;
      return (cursor) => {
        const value = cursor.int();
        own.reserve(1);
        own.words[own.length++] = value;
      };
    }
    case "float32":
    case "float64": {
      const own = builder as FixedBuilder;
      return (cursor) => {
        const value = read(cursor) as number;
        own.reserve(1);
        own.values[own.length++] = value;
      };
    }
    default:
      return (cursor) => putScalar(builder, read(cursor));
  }
}

/** Texts and bytes of a stated length, copied as they are. */
function bytesPutter(builder: Builder): (cursor: AvroCursor) => void {
  const own = builder as BytesBuilder;
  return (cursor) => {
    const size = cursor.count();
    const at = cursor.skip(size);
    own.appendBytes(cursor.bytes, at, at + size);
  };
}

/** 64 bits, as they are. */
function longPutter(builder: Builder): (cursor: AvroCursor) => void {
  const own = builder as FixedBuilder;
  return (cursor) => {
    cursor.long();
    own.reserve(1);
    const at = 2 * own.length++;
    own.words[at] = cursor.low;
    own.words[at + 1] = cursor.high;
  };
}
