import type { Transform } from "node:stream";

/** An engine of `node:zlib` that may end before its input does. */
export interface Engine extends Transform {
  /** Bytes that it has taken. */
  readonly bytesWritten: number;
}

/**
 * Gives pieces to an engine, one at a time, until it has found an end of its own or there are no more. Resolves with the bytes of the last piece that it
 * did not take; `undefined`: it took all. What goes wrong destroys the engine, so that whoever reads from it is told.
 */
export async function feed<Piece extends Uint8Array>(
  engine: Engine,
  first: Piece,
  next: () => Promise<Piece | undefined>,
): Promise<Uint8Array | undefined> {
  let given = 0;
  try {
    for (let piece: Piece | undefined = first; piece !== undefined; piece = await next()) {
      given += piece.length;
      await new Promise<void>((resolve, reject) => {
        engine.once("close", resolve);
        engine.write(piece, (error) => {
          engine.off("close", resolve);
          if (error) reject(error);
          else resolve();
        });
      });
      const left = given - engine.bytesWritten;
      if (left > 0) return piece.subarray(piece.length - left);
      if (engine.destroyed) return undefined;
    }
    engine.end();
  } catch (error) {
    engine.destroy(error as Error);
  }
  return undefined;
}
