import { castVector } from "../columns/cast.ts";
import type { Vector } from "../columns/vector.ts";
import { sameType } from "../schema/equal.ts";
import type { ColumnType } from "../schema/types.ts";
import { hashKeys, keyColumn } from "./key-column.ts";

/**
 * A hash of each row's key, by which keys can be split into parts that fit into memory: equal keys have equal hashes, also those of narrower
 * types than `types`, to which they are cast. Not the same in other versions: do not store it.
 */
export function keyHashes(types: readonly ColumnType[], columns: readonly Vector[]): Int32Array {
  const length = columns[0]?.length ?? 0;
  const hashes = new Int32Array(length).fill(0x51ed270b);
  for (const [i, column] of columns.entries()) {
    const type = types[i]!;
    const cast = sameType(column.type, type) ? column : castVector(column, type, "key");
    hashKeys(keyColumn(cast), 0, length, hashes);
  }
  for (let i = 0; i < length; i++) {
    const mixed = Math.imul(hashes[i]! ^ (hashes[i]! >>> 16), 0x7feb352d);
    hashes[i] = mixed ^ (mixed >>> 15);
  }
  return hashes;
}
