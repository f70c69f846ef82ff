import { invalid } from "./invalid.ts";
import type { ParquetSource } from "./source.ts";

/** Reads a range of a file from front to back through a window. */
export class RangeReader {
  /** Place in the file of the next byte. */
  position: number;
  /** End of the range. */
  readonly end: number;
  private readonly source: ParquetSource;
  private readonly windowBytes: number;
  private window: Uint8Array = new Uint8Array(0);
  private windowStart: number;

  constructor(source: ParquetSource, start: number, end: number, windowBytes: number) {
    this.source = source;
    this.position = start;
    this.windowStart = start;
    this.end = end;
    this.windowBytes = windowBytes;
  }

  /** Gives the reader bytes that were fetched together with others; they hold the whole range. */
  preload(bytes: Uint8Array): void {
    this.window = bytes;
  }

  /** The next `count` bytes, or as many as there are; does not move on. */
  async peek(count: number): Promise<Uint8Array> {
    const size = Math.min(count, this.end - this.position);
    const from = this.position - this.windowStart;
    if (from + size <= this.window.length) return this.window.subarray(from, from + size);
    const ahead = Math.min(this.end, this.position + Math.max(size, this.windowBytes));
    this.window = await this.source.slice(this.position, ahead);
    this.windowStart = this.position;
    if (this.window.length < ahead - this.position)
      throw invalid(
        `the file gave ${this.window.length} bytes from ${this.position} on instead of ${ahead - this.position}`,
      );
    return this.window.subarray(0, size);
  }

  /** The next `count` bytes, which must be there. */
  async take(count: number): Promise<Uint8Array> {
    if (count > this.end - this.position)
      throw invalid(
        `a page of ${count} bytes does not fit into the ${this.end - this.position} bytes that are left`,
      );
    const bytes = await this.peek(count);
    this.position += count;
    return bytes;
  }

  /** What is left of the window behind the place that was peeked. */
  get buffered(): number {
    return Math.min(this.window.length - (this.position - this.windowStart), this.end - this.position);
  }
}
