import { Buffer } from "node:buffer";

// Small pages are put together to pieces of at least this size, so that the sink is not called for each.
const PIECE = 1 << 19;

/** Puts what is written in order together to pieces of a useful size for a sink. */
export class PieceWriter {
  /** Bytes taken so far: the offset of what comes next. */
  position = 0;
  /** Bytes not yet given to the sink. */
  held = 0;
  private readonly sink: (bytes: Uint8Array) => Promise<void>;
  private parts: Uint8Array[] = [];

  constructor(sink: (bytes: Uint8Array) => Promise<void>) {
    this.sink = sink;
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
    const piece = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts, this.held);
    this.parts = [];
    await this.sink(piece);
    this.held = 0;
  }
}
