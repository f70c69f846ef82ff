import type { ColumnType } from "../schema/types.ts";
import { Converted, Logical, Repetition, TimeUnit } from "./format.ts";
import type { Shape, ShapeNode } from "./shape.ts";
import { ThriftType, type ThriftWriter } from "./thrift-writer.ts";

/** Writes the flattened schema tree (field `id` of the footer): both logical types and the older converted ones. */
export function writeSchemaElements(writer: ThriftWriter, id: number, shape: Shape): void {
  const roots = shape.roots.filter((root) => root !== undefined);
  writer.list(
    id,
    ThriftType.struct,
    roots.reduce((sum, root) => sum + elements(root), 1),
  );
  writer.open().string(4, "schema").i32(5, roots.length).close();
  for (const root of roots) writeNode(writer, root);
}

function elements(node: ShapeNode): number {
  switch (node.kind) {
    case "leaf":
      return 1;
    case "struct":
      return node.members.reduce((sum, member) => sum + (member === undefined ? 0 : elements(member)), 1);
    case "list":
      return 2 + elements(node.element);
    case "map":
      return 2 + elements(node.key) + elements(node.value);
  }
}

function writeNode(writer: ThriftWriter, node: ShapeNode): void {
  const { field } = node;
  const repetition = field.nullable ? Repetition.optional : Repetition.required;
  switch (node.kind) {
    case "leaf": {
      const { leaf } = node;
      writer.open().i32(1, leaf.physical);
      if (leaf.width > 0) writer.i32(2, leaf.width);
      writer.i32(3, repetition).string(4, field.name);
      writeAnnotation(writer, leaf.type, field.id);
      writer.close();
      return;
    }
    case "struct": {
      const members = node.members.filter((member) => member !== undefined);
      writer.open().i32(3, repetition).string(4, field.name).i32(5, members.length);
      if (field.id !== undefined) writer.i32(9, field.id);
      writer.close();
      for (const member of members) writeNode(writer, member);
      return;
    }
    case "list":
      writer.open().i32(3, repetition).string(4, field.name).i32(5, 1).i32(6, Converted.list);
      if (field.id !== undefined) writer.i32(9, field.id);
      writer.open(10).open(Logical.list).close().close().close();
      writer.open().i32(3, Repetition.repeated).string(4, "list").i32(5, 1).close();
      writeNode(writer, node.element);
      return;
    case "map":
      writer.open().i32(3, repetition).string(4, field.name).i32(5, 1).i32(6, Converted.map);
      if (field.id !== undefined) writer.i32(9, field.id);
      writer.open(10).open(Logical.map).close().close().close();
      writer.open().i32(3, Repetition.repeated).string(4, "key_value").i32(5, 2).close();
      writeNode(writer, node.key);
      writeNode(writer, node.value);
      return;
  }
}

/** Fields 6 to 10 of a leaf's schema element. */
function writeAnnotation(writer: ThriftWriter, type: ColumnType, id: number | undefined): void {
  const converted = convertedOf(type);
  if (converted !== undefined) writer.i32(6, converted);
  if (type.kind === "decimal") writer.i32(7, type.scale).i32(8, type.precision);
  if (id !== undefined) writer.i32(9, id);
  switch (type.kind) {
    case "int8":
    case "int16":
      writer.open(10).open(Logical.integer);
      writer.i8(1, type.kind === "int8" ? 8 : 16).bool(2, true);
      writer.close().close();
      return;
    case "decimal":
      writer.open(10).open(Logical.decimal).i32(1, type.scale).i32(2, type.precision).close().close();
      return;
    case "time":
      writeTime(writer, Logical.time, false);
      return;
    case "timestamp":
      writeTime(writer, Logical.timestamp, type.zone === "utc");
      return;
    case "string":
      writer.open(10).open(Logical.string).close().close();
      return;
    case "json":
      writer.open(10).open(Logical.json).close().close();
      return;
    case "date":
      writer.open(10).open(Logical.date).close().close();
      return;
    case "uuid":
      writer.open(10).open(Logical.uuid).close().close();
      return;
    default:
      return;
  }
}

function writeTime(writer: ThriftWriter, logical: number, utc: boolean): void {
  writer.open(10).open(logical).bool(1, utc);
  writer.open(2).open(TimeUnit.micros).close().close();
  writer.close().close();
}

function convertedOf(type: ColumnType): number | undefined {
  switch (type.kind) {
    case "string":
      return Converted.utf8;
    case "json":
      return Converted.json;
    case "decimal":
      return Converted.decimal;
    case "date":
      return Converted.date;
    // Local times carry it too: the format asks for it so that old readers still see a time.
    case "time":
      return Converted.timeMicros;
    case "timestamp":
      return Converted.timestampMicros;
    case "int8":
      return Converted.int8;
    case "int16":
      return Converted.int16;
    default:
      return undefined;
  }
}
