import type { Batch } from "../columns/batch.ts";

/**
 * The order of a stream's changes over all that it writes in a run. A source counts from the start of each read; here its positions go on where
 * what was written before ended, be that by an earlier attempt of which sealed rows are kept, or in batches without positions.
 */
export interface Ordinals {
  /** The batch, its changes behind everything that was placed before it. */
  place(batch: Batch): Batch;
  /** The stream is read anew: it counts from its start again. */
  restart(): void;
}

/** The order of a stream that has written nothing. */
export function createOrdinals(): Ordinals {
  // Where the next row without a position of its own stands.
  let next = 0n;
  let offset = 0n;
  // The last position of this read, as the source counts.
  let seen = -1n;
  // Whether `offset` holds for what the source yields next.
  let isCurrent = false;
  return {
    place(batch) {
      const { changes, length } = batch;
      if (changes === undefined) {
        next += BigInt(length);
        isCurrent = false;
        return batch;
      }
      // What the source counts from now on comes after all that it has counted.
      if (!isCurrent) offset = next - (seen + 1n);
      isCurrent = true;
      for (const ordinal of changes.ordinals) if (ordinal > seen) seen = ordinal;
      if (offset + seen >= next) next = offset + seen + 1n;
      if (offset === 0n) return batch;
      return { ...batch, changes: { ...changes, ordinals: changes.ordinals.map((one) => one + offset) } };
    },
    restart() {
      seen = -1n;
      isCurrent = false;
    },
  };
}
