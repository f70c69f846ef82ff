/** How a file is read from front to back. */
export interface PiecesOptions {
  /** Reads a range, into the memory where it is given; ended by the signal. */
  readonly range: (
    start: number,
    end: number,
    signal: AbortSignal,
    into: Uint8Array | undefined,
  ) => Promise<Uint8Array>;
  readonly start: number;
  /** Where the file ends. */
  readonly end: number;
  /** Bytes of one piece. */
  readonly pieceBytes: number;
  /** Pieces that are under way while one is looked at. */
  readonly ahead: number;
  /** Whether the memory of a piece is used for a later one when the next is asked for. */
  readonly reuses: boolean;
  readonly signal: AbortSignal;
}

/** The bytes of a file in pieces, in their order. Holds at most `ahead + 1` of them; who stops early ends what is under way. */
export async function* readPieces(options: PiecesOptions): AsyncGenerator<Uint8Array> {
  const { range, end, pieceBytes, ahead, reuses } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const underWay: { readonly piece: Promise<Uint8Array>; readonly memory: Uint8Array | undefined }[] = [];
  /** Memory that nobody looks at any more. */
  const free: Uint8Array[] = [];
  let at = options.start;
  const begin = (): void => {
    const to = Math.min(end, at + pieceBytes);
    const memory = reuses ? (free.pop() ?? new Uint8Array(to - at)) : undefined;
    const piece = range(at, to, signal, memory);
    // Whoever waits for it is told; nobody may be waiting any more.
    piece.catch(() => {});
    underWay.push({ piece, memory });
    at = to;
  };
  try {
    for (;;) {
      while (at < end && underWay.length <= ahead) begin();
      const next = underWay.shift();
      if (next === undefined) return;
      yield await next.piece;
      if (next.memory !== undefined) free.push(next.memory);
    }
  } finally {
    stop.abort(new Error("the rest of the file is not needed"));
    await Promise.allSettled(underWay.map(({ piece }) => piece));
  }
}
