import { Buffer } from "node:buffer";
import type { PgSubmittable, PgWire } from "./client.ts";
import type { Block } from "./decode/block.ts";
import { FrameReader, READY } from "./decode/frames.ts";

/** How a running COPY is steered. */
export interface CopyFlow {
  /** Stops reading from the socket: the server waits. */
  pause(): void;
  /** Goes on. */
  resume(): void;
}

/** What a COPY needs. */
export interface CopyOptions {
  /** `COPY (…) TO STDOUT (FORMAT binary)`. */
  readonly sql: string;
  /** Columns of its rows. */
  readonly columns: number;
  /** Rows, valid only during the call. What it throws ends the COPY with that error. */
  readonly onBlock: (block: Block) => void;
  /** Called with the means to steer once reading has begun. */
  readonly onStart: (flow: CopyFlow) => void;
  /** Called for each piece from the socket. */
  readonly onActivity: () => void;
  /** Called once when decoding failed. The rest of the stream is discarded, if it can be followed; ending the connection is quicker. */
  readonly onFailure: (error: unknown) => void;
}

const COPY_OUT_RESPONSE = 0x48; // 'H'
const COPY_DONE = 0x63; // 'c'

/**
 * A query object for `client.query` that reads a COPY from the socket itself. The driver makes a message object per row, which costs more than
 * decoding the row; so while the COPY runs, the socket's bytes come here, and only what is not rows (errors, notices, the end) goes to the
 * driver's parser, in whole messages. The promise settles when the server is ready for the next query.
 */
export function createCopy(options: CopyOptions): {
  readonly query: PgSubmittable;
  readonly done: Promise<void>;
} {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  done.catch(() => {});
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    if (failure !== undefined) return;
    failure = { error };
    options.onFailure(error);
  };

  function submit(wire: PgWire): void {
    const { stream } = wire;
    const parsers = stream.listeners("data") as ((chunk: Uint8Array) => void)[];
    const toDriver = (bytes: Uint8Array): void => {
      const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const parser of parsers) parser.call(stream, whole);
    };
    const reader = new FrameReader(options.columns, {
      onBlock(block) {
        if (failure !== undefined) return;
        try {
          options.onBlock(block);
        } catch (error) {
          // Caught here, so that the reader keeps its place in the stream and finds its end.
          fail(error);
        }
      },
      onMessage(type, message) {
        if (type === COPY_OUT_RESPONSE || type === COPY_DONE) return;
        if (type === READY) restore();
        toDriver(message);
      },
    });
    const onData = (chunk: Uint8Array): void => {
      options.onActivity();
      try {
        reader.push(chunk);
      } catch (error) {
        fail(error);
        // The place in the stream is lost, and with it the end of this query and any other on this connection, whoever's it is.
        stream.destroy();
      }
    };
    const lends = "taker" in stream;
    const restore = (): void => {
      if (lends) stream.taker = undefined;
      else {
        for (const parser of parsers) stream.on("data", parser);
        stream.off("data", onData);
      }
      // Whoever paused it meant this COPY; the connection goes on.
      stream.resume();
    };
    if (lends) stream.taker = { room: () => reader.room(), take: onData };
    else {
      stream.on("data", onData);
      for (const parser of parsers) stream.off("data", parser);
    }
    options.onStart({ pause: () => stream.pause(), resume: () => stream.resume() });
    wire.query(options.sql);
    finish = () => {
      if (failure !== undefined) reject(failure.error);
      else if (reader.complete) resolve();
      else reject(new Error("Connection terminated: the COPY ended before its last row"));
    };
  }

  let finish = (): void => {};
  const nothing = (): void => {};
  const query: PgSubmittable = {
    submit,
    handleError(error) {
      failure ??= { error };
      reject(failure.error);
    },
    handleReadyForQuery: () => finish(),
    handleRowDescription: nothing,
    handleDataRow: nothing,
    handleCommandComplete: nothing,
    handleEmptyQuery: nothing,
    handlePortalSuspended: nothing,
    handleCopyInResponse: nothing,
    handleCopyData: nothing,
  };
  return { query, done };
}
