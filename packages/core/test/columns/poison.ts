import type { Vector } from "../../src/columns/vector.ts";

/** Spoils all that a vector holds, so that whoever still reads it gets nonsense. */
export function poison(vector: Vector): void {
  const spoil = (array: ArrayBufferView | undefined): void => {
    if (array !== undefined) new Uint8Array(array.buffer, array.byteOffset, array.byteLength).fill(0xaa);
  };
  spoil(vector.validity);
  switch (vector.layout) {
    case "boolean":
    case "fixed":
      spoil(vector.values);
      return;
    case "bytes":
      spoil(vector.offsets);
      spoil(vector.data);
      return;
    case "list":
      spoil(vector.offsets);
      poison(vector.child);
      return;
    case "map":
      spoil(vector.offsets);
      poison(vector.keys);
      poison(vector.values);
      return;
    case "struct":
      for (const child of vector.children) poison(child);
      return;
    case "dictionary":
    case "null":
    // Dictionaries are not used again.
  }
}
