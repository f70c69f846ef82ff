import type { StoredChunk } from "./metadata.ts";
import type { TakeMemory } from "./page-memory.ts";
import { RangeReader } from "./range-reader.ts";
import type { ParquetSource } from "./source.ts";

// A row group's columns are fetched at once while they take no more than this; larger ones are read through windows.
const AT_ONCE = 1 << 25;
const WINDOW = 1 << 20;
// Chunks that stand this close together are fetched by one request.
const GAP = 1 << 16;

/** Readers for column chunks, those that fit into memory fetched with as few requests as their places allow, into memory of `take`. */
export async function openRanges(
  source: ParquetSource,
  chunks: readonly StoredChunk[],
  take: TakeMemory | undefined,
): Promise<RangeReader[]> {
  const readers = chunks.map(
    ({ start, compressedBytes }) => new RangeReader(source, start, start + compressedBytes, WINDOW),
  );
  const total = chunks.reduce((sum, chunk) => sum + chunk.compressedBytes, 0);
  if (total > AT_ONCE) return readers;
  const order = readers.toSorted((a, b) => a.position - b.position);
  for (let first = 0; first < order.length;) {
    const start = order[first]!.position;
    let end = order[first]!.end;
    let next = first + 1;
    for (; next < order.length && order[next]!.position - end <= GAP; next++)
      end = Math.max(end, order[next]!.end);
    const bytes = await source.slice(start, end, take?.(end - start));
    for (; first < next; first++) {
      const reader = order[first]!;
      // A source that gives less is found out when the reader comes to the missing bytes.
      reader.preload(bytes.subarray(reader.position - start, reader.end - start));
    }
  }
  return readers;
}
