import type { Schema } from "@alluvium/core";
import { vectorOf, type Batch } from "@alluvium/core/columns";

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;

/** A table of a key and two more columns, for merges into many rows. */
export const narrow: { readonly name: string; readonly schema: Schema } = {
  name: "narrow",
  schema: {
    fields: [
      { name: "id", type: int64, nullable: true },
      { name: "amount", type: int64, nullable: true },
      { name: "status", type: string, nullable: true },
    ],
  },
};

const LENGTH = 16_384;
const states = ["new", "paid", "packed", "sent", "returned"];
/**
 * The rows of some numbers. Their keys are in no order, so that every file and every row group has keys from the whole range and statistics
 * exclude none. `round`: distinguishes the values of one time from those of another.
 */
export function* narrowBatches(
  count: number,
  numberOf: (index: number) => number,
  round: number,
): Generator<Batch> {
  for (let start = 0; start < count; start += LENGTH) {
    const length = Math.min(LENGTH, count - start);
    const ids = new BigInt64Array(length);
    const amounts = new BigInt64Array(length);
    const texts: string[] = [];
    for (let i = 0; i < length; i++) {
      const key = mixed(numberOf(start + i));
      ids[i] = BigInt(key);
      amounts[i] = BigInt((key % 1_000_003) + round);
      texts.push(states[(key + round) % states.length]!);
    }
    const fixed = { layout: "fixed", length, nullCount: 0, validity: undefined } as const;
    yield {
      schema: narrow.schema,
      length,
      columns: [
        { ...fixed, type: int64, values: ids },
        { ...fixed, type: int64, values: amounts },
        vectorOf(string, texts),
      ],
    };
  }
}

/** Another number below 2^32 for each: the last step of MurmurHash3 (https://github.com/aappleby/smhasher), which loses nothing. */
function mixed(number: number): number {
  let hash = number;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
