import { Buffer } from "node:buffer";
import { giveBody, takeBody } from "./page-memory.ts";

// Small pages are put together to pieces of at least this size, so that the sink is not called for each.
const PIECE = 1 << 19;

/**
 * Puts what is written in order together to pieces of a useful size for a sink. Takes what it writes: bodies of pages go back where they
 * came from.
 */
export class PieceWriter {
  /** Bytes taken so far: the offset of what comes next. */
  position = 0;
  /** Bytes not yet given to the sink. */
  held = 0;
  private readonly sink: (bytes: Uint8Array) => Promise<void>;
  private readonly reuses: boolean;
  private parts: Uint8Array[] = [];

  /** `reuses`: the sink is done with a piece when its promise resolves. */
  constructor(sink: (bytes: Uint8Array) => Promise<void>, reuses: boolean) {
    this.sink = sink;
    this.reuses = reuses;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.position += bytes.length;
    if (bytes.length === 0) return;
    this.parts.push(bytes);
    this.held += bytes.length;
    if (this.held >= PIECE) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.held === 0) return;
    const { parts, held, reuses } = this;
    this.parts = [];
    let piece = parts[0]!;
    if (parts.length > 1) {
      piece = reuses ? takeBody(held) : Buffer.allocUnsafeSlow(held);
      let at = 0;
      for (const part of parts) {
        piece.set(part, at);
        at += part.length;
        giveBody(part);
      }
    }
    await this.sink(piece);
    if (reuses) giveBody(piece);
    this.held = 0;
  }
}
