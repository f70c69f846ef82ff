import type { Vector } from "../columns/vector.ts";
import type { Encoding } from "./format.ts";
import type { Bounds } from "./statistics.ts";

/** Collects the values of one leaf and turns them into the bodies of pages. Nulls never reach it. */
export interface ValueEncoder {
  /** Values of the open page. */
  readonly count: number;
  /** What the open page would take if it were stored plainly, in bytes. */
  readonly pageBytes: number;
  /** Bytes held: open page and dictionary. */
  readonly memory: number;
  /** Bytes held for the dictionary. */
  readonly dictionaryBytes: number;
  /**
   * Takes rows of `vector` (never a dictionary vector) that are valid: `positions[start, end)`, or `[start, end)` itself when there
   * are none. `shared`: the vector is a dictionary to which many positions refer.
   */
  append(
    vector: Vector,
    positions: Int32Array | undefined,
    start: number,
    end: number,
    shared: boolean,
  ): void;
  /** Ends the page. The body stands behind `prefix` bytes that the caller fills; the array is the caller's. */
  endPage(prefix: number): PageBody;
  /** Ends the chunk, after its last page. */
  endChunk(): ChunkEnd;
}

/** The values of a page. */
export interface PageBody {
  readonly bytes: Uint8Array;
  readonly encoding: Encoding;
}

/** What is known at the end of a chunk. */
export interface ChunkEnd {
  /** Body of the dictionary page, PLAIN; absent when no page refers to it. */
  readonly dictionary: { readonly bytes: Uint8Array; readonly count: number } | undefined;
  readonly bounds: Bounds | undefined;
  readonly sawNaN: boolean;
}

/** What may be done to values. */
export interface EncodingChoice {
  readonly dictionary: boolean;
  readonly delta: boolean;
  /** Whether bounds are wanted. */
  readonly bounds: boolean;
}

/** Most distinct values of a dictionary, and most bytes of them: readers hold the dictionary while they read a chunk. */
export const DICTIONARY_ENTRIES: number = 1 << 16;
/** See {@link DICTIONARY_ENTRIES}. */
export const DICTIONARY_BYTES: number = 1 << 20;
/** After so many values it is decided whether a dictionary pays. */
export const SAMPLE: number = 8192;
