import { Buffer } from "node:buffer";
import type { PgSubmittable, PgWire } from "../client.ts";
import { MESSAGE_BYTES } from "./encode.ts";

/** Messages that may be on their way to the system at once; memory for more is not given. */
const IN_FLIGHT = 4;
const COPY_DONE = Uint8Array.of(0x63, 0, 0, 0, 4);
const COPY_FAIL = 0x66;

/** A COPY that sends rows. */
export interface CopyIn {
  readonly query: PgSubmittable;
  /** Resolves with the number of rows when the server has taken them all; rejects with the encoder's error, or the server's. */
  readonly done: Promise<number>;
}

/**
 * Sends `encode`'s messages as the rows of a `COPY … FROM STDIN`. The next one is made when there is room: at most four are held. An
 * error of the encoder ends the COPY at the server without a row of it; so does an abort.
 *
 * Source: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export function copyIn(
  sql: string,
  encode: (take: () => Uint8Array) => Iterable<Uint8Array>,
  signal: AbortSignal | undefined,
): CopyIn {
  const { promise: done, resolve, reject } = Promise.withResolvers<number>();
  let failure: { readonly error: unknown } | undefined;
  let rows = 0;
  let over = false;
  let wake = (): void => {};

  const free: Uint8Array[] = [];
  let made = 0;
  const take = (): Uint8Array => {
    const memory = free.pop();
    if (memory !== undefined) return memory;
    made += 1;
    return new Uint8Array(MESSAGE_BYTES);
  };

  async function send({ stream }: PgWire): Promise<void> {
    let pending = 0;
    let gone = false;
    const onClose = (): void => {
      gone = true;
      wake();
    };
    stream.once("close", onClose);
    const room = (): Promise<void> => new Promise((resume) => (wake = resume));
    const write = (message: Uint8Array): void => {
      pending += 1;
      stream.write(message, () => {
        pending -= 1;
        if (message.buffer.byteLength === MESSAGE_BYTES && free.length < made)
          free.push(new Uint8Array(message.buffer));
        wake();
      });
    };
    try {
      for (const message of encode(take)) {
        write(message);
        while (pending >= IN_FLIGHT && !gone && !over && signal?.aborted !== true) await room();
        if (gone || over || signal?.aborted === true) break;
      }
      if (signal?.aborted === true) throw signal.reason;
      if (!gone && !over) stream.write(COPY_DONE);
    } catch (error) {
      failure ??= { error };
      if (!gone && !over) stream.write(copyFail("the rows could not be made"));
    } finally {
      stream.off("close", onClose);
    }
  }

  const nothing = (): void => {};
  return {
    done,
    query: {
      submit: (wire) => wire.query(sql),
      handleCopyInResponse(wire) {
        void send(wire);
      },
      handleCommandComplete({ text }) {
        rows = Number(/^COPY (\d+)/.exec(text ?? "")?.[1] ?? 0);
      },
      handleError(error) {
        over = true;
        failure ??= { error };
        reject(failure.error as Error);
        wake();
      },
      handleReadyForQuery() {
        over = true;
        if (failure === undefined) resolve(rows);
        else reject(failure.error as Error);
      },
      handleRowDescription: nothing,
      handleDataRow: nothing,
      handleEmptyQuery: nothing,
      handlePortalSuspended: nothing,
      handleCopyData: nothing,
    },
  };
}

function copyFail(reason: string): Uint8Array {
  const text = Buffer.from(`${reason}\0`);
  const message = Buffer.alloc(5 + text.length);
  message[0] = COPY_FAIL;
  message.writeInt32BE(4 + text.length, 1);
  message.set(text, 5);
  return message;
}
