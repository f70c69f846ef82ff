import type { ColumnType } from "@alluvium/core";
import { ListBuilder, StructBuilder } from "@alluvium/core/columns";
import { fieldLength, malformed, markNull, type Block, type ColumnReader, type OnSpecial } from "./block.ts";

/** Field starts of nested values, kept between blocks and grown as needed. */
class Starts {
  values: Int32Array = new Int32Array(1024);
  reserve(count: number): Int32Array {
    if (count > this.values.length) {
      const grown = new Int32Array(Math.max(count, 2 * this.values.length));
      grown.set(this.values);
      this.values = grown;
    }
    return this.values;
  }
}

/**
 * Arrays as lists (array_send: dimensions, flags, element type, then size and lower bound of each dimension, then the elements with their
 * lengths). A list has one dimension that begins at 1, which is what arrays nearly always are; any other shape is special.
 */
export function arrayReader(type: ColumnType, element: ColumnReader, onShape: OnSpecial): ColumnReader {
  const builder = new ListBuilder(type, 1024, element.builder);
  const elements = new Starts();
  return {
    builder,
    read(block, column) {
      const { view, starts, rows, stride } = block;
      builder.reserve(rows);
      const { offsets } = builder;
      let row = builder.length;
      let count = 0;
      const base = offsets[row]!;
      for (let at = column * stride, end = at + rows; at < end; at++, row++) {
        const start = starts[at]!;
        if (start < 0) markNull(builder, row);
        else count = findElements(view, start, elements, count, onShape, () => markNull(builder, row));
        offsets[row + 1] = base + count;
      }
      builder.length = row;
      if (count > 0) element.read({ ...block, rows: count, stride: count, starts: elements.values }, 0);
    },
  };
}

function findElements(
  view: DataView,
  start: number,
  elements: Starts,
  count: number,
  onShape: OnSpecial,
  setNull: () => void,
): number {
  const length = view.getInt32(start - 4);
  if (length < 12) throw malformed(`an array of ${length} bytes`);
  const dimensions = view.getInt32(start);
  if (dimensions === 0) return count;
  const size = view.getInt32(start + 12);
  const lower = view.getInt32(start + 16);
  if (dimensions !== 1 || lower !== 1) {
    onShape(
      dimensions === 1 ? `an array that begins at index ${lower}` : `an array of ${dimensions} dimensions`,
    );
    setNull();
    return count;
  }
  // Before there is room for them: each has a length at least.
  if (size < 0 || size > (length - 20) / 4)
    throw malformed(`an array of ${length} bytes with ${size} elements`);
  const target = elements.reserve(count + size);
  const end = start + length;
  let position = start + 20;
  for (let i = 0; i < size; i++) {
    if (position + 4 > end) throw malformed("an array shorter than its elements");
    const bytes = fieldLength(view, position);
    position += 4;
    target[count + i] = bytes < 0 ? -1 : position;
    if (bytes > 0) position += bytes;
  }
  if (position !== end) throw malformed("an array longer than its elements");
  return count + size;
}

/** Composite values as structs (record_send: number of fields, then type, length and bytes of each; dropped attributes are left out). */
export function compositeReader(type: ColumnType, members: readonly ColumnReader[]): ColumnReader {
  const builder = new StructBuilder(
    type,
    1024,
    members.map((member) => member.builder),
  );
  const fields = new Starts();
  return {
    builder,
    read(block, column) {
      const { view, starts, rows, stride } = block;
      builder.reserve(rows);
      const target = fields.reserve(rows * members.length);
      const first = builder.length;
      for (let i = 0; i < rows; i++) {
        const start = starts[column * stride + i]!;
        if (start < 0) {
          markNull(builder, first + i);
          for (let member = 0; member < members.length; member++) target[member * rows + i] = -1;
        } else findMembers(view, start, target, i, rows, members.length);
      }
      builder.length = first + rows;
      const inner: Block = { ...block, starts: target, stride: rows };
      for (let i = 0; i < members.length; i++) members[i]!.read(inner, i);
    },
  };
}

function findMembers(
  view: DataView,
  start: number,
  target: Int32Array,
  row: number,
  stride: number,
  members: number,
): void {
  const end = start + view.getInt32(start - 4);
  const count = view.getInt32(start);
  if (count !== members)
    throw malformed(`a composite value of ${count} members where its type has ${members}`);
  let position = start + 4;
  for (let i = 0; i < count; i++) {
    if (position + 8 > end) throw malformed("a composite value shorter than its members");
    const bytes = fieldLength(view, position + 4);
    position += 8;
    target[i * stride + row] = bytes < 0 ? -1 : position;
    if (bytes > 0) position += bytes;
  }
  if (position !== end) throw malformed("a composite value longer than its members");
}
