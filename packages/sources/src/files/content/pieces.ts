/** How a file is read from front to back. */
export interface PiecesOptions {
  /** Reads a range; ended by the signal. */
  readonly range: (start: number, end: number, signal: AbortSignal) => Promise<Uint8Array>;
  readonly start: number;
  /** Where the file ends. */
  readonly end: number;
  /** Bytes of one piece. */
  readonly pieceBytes: number;
  /** Pieces that are under way while one is looked at. */
  readonly ahead: number;
  readonly signal: AbortSignal;
}

/** The bytes of a file in pieces, in their order. Holds at most `ahead + 1` of them; who stops early ends what is under way. */
export async function* readPieces(options: PiecesOptions): AsyncGenerator<Uint8Array> {
  const { range, end, pieceBytes, ahead } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const underWay: Promise<Uint8Array>[] = [];
  let at = options.start;
  const begin = (): void => {
    const to = Math.min(end, at + pieceBytes);
    const piece = range(at, to, signal);
    // Whoever waits for it is told; nobody may be waiting any more.
    piece.catch(() => {});
    underWay.push(piece);
    at = to;
  };
  try {
    for (;;) {
      while (at < end && underWay.length <= ahead) begin();
      const piece = underWay.shift();
      if (piece === undefined) return;
      yield await piece;
    }
  } finally {
    stop.abort(new Error("the rest of the file is not needed"));
    await Promise.allSettled(underWay);
  }
}
