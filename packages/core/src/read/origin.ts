import type { RefusedRow } from "../refused-row.ts";
import type { Json } from "../state/json.ts";
import type { CursorCodec, RetakeContext, StreamContext, TableDescription } from "../stream.ts";
import type { Portion } from "./portion.ts";
import type { Retaken } from "./retake.ts";

/** What resources are derived from: a user's read, or a stream of a connector. */
export interface Origin {
  /** Name of the stream, under which its state is kept. */
  readonly name: string;
  readonly codec: CursorCodec;
  readonly identity?: Json | undefined;
  /** Its tables as they are before any step, by name. */
  readonly tables: ReadonlyMap<string, TableDescription>;
  read(request: OriginRequest): AsyncIterable<OriginItem>;
  /** Takes rows of a table that were refused once more. */
  retake(table: string, rows: readonly unknown[], context: RetakeContext): Promise<Retaken>;
  /** Orders two cursors, negative when `a` is behind; `undefined` where that cannot be told. */
  readonly compare?: (a: unknown, b: unknown) => number | undefined;
  readonly acknowledge?:
    | ((cursor: unknown, context: { readonly signal: AbortSignal }) => Promise<void>)
    | undefined;
}

/** One read of an origin. */
export interface OriginRequest {
  readonly context: StreamContext;
  readonly cursor: unknown;
  /** Stop here: what lies beyond is read by others. Only where {@link Origin.compare} can tell. */
  readonly until: unknown;
  /** Whether any resource appends, so that rows taken before have to be left out. */
  readonly appends: boolean;
  /** Whether rows take effect as a whole: there is nothing to resume. */
  readonly wholeSet: boolean;
  /** Whether rows are wanted as objects. */
  readonly needsRows: boolean;
  /** The positions of so many further rows among all that the stream reads. */
  readonly positions: (count: number) => BigInt64Array;
}

/** Rows, rows that were refused, or a point to resume from. */
export type OriginItem =
  | {
      readonly table: string;
      /** All rows, for resources that merge. */
      readonly portion: Portion;
      /** The rows that were not taken before, for resources that append. */
      readonly fresh: Portion;
      /** To be called when nobody reads the rows any more: their columns are used again. Only where nothing of them is kept for later. */
      readonly release?: (() => void) | undefined;
    }
  | { readonly table: string; readonly refused: readonly RefusedRow[]; readonly values?: number }
  | { readonly checkpoint: unknown };
