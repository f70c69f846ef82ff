import type { ReadyBatch } from "./sink.ts";

/**
 * Batches between the connections that fill it and the stream that hands them on, bounded in bytes: who fills it asks `full` and waits for
 * `onRoom`.
 */
export class BatchQueue implements AsyncIterable<ReadyBatch> {
  readonly #limit: number;
  readonly #batches: ReadyBatch[] = [];
  #bytes = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #waiting: (() => void)[] = [];

  /** `limit`: bytes to hold before it is full. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#bytes >= this.#limit;
  }

  push(ready: ReadyBatch): void {
    this.#batches.push(ready);
    this.#bytes += ready.bytes;
    this.#wake?.();
  }

  /** Calls `go` once, when there is room. */
  onRoom(go: () => void): void {
    this.#waiting.push(go);
  }

  /** No more batches come. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The stream fails with `error`, after what was pushed before is dropped. The first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReadyBatch> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const next = this.#batches.shift();
      if (next !== undefined) {
        this.#bytes -= next.bytes;
        if (!this.full) for (const go of this.#waiting.splice(0)) go();
        yield next;
        continue;
      }
      if (this.#ended) return;
      await new Promise<void>((wake) => (this.#wake = wake));
      this.#wake = undefined;
    }
  }
}
