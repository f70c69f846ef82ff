import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { PgSocket } from "./client.ts";

/** What one read from the system may take at most. */
const READ_BYTES = 256 * 1024;

/**
 * A socket, not yet connected, that reads into one buffer of its own. A socket reads into a new buffer each time, and a COPY is gigabytes: making
 * and collecting those buffers costs more than a tenth of the whole load. While `taker` is set, it gets the bytes where they lie; otherwise the
 * `data` event brings a copy, because the driver may keep what it is given.
 */
export function createSocket(): Socket & PgSocket {
  const socket: Socket & { taker?: ((bytes: Uint8Array) => void) | undefined } = new Socket({
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(size, buffer) {
        const bytes = buffer.subarray(0, size);
        if (socket.taker === undefined) socket.emit("data", Buffer.from(bytes));
        else socket.taker(bytes);
        return true;
      },
    },
  });
  socket.taker = undefined;
  return socket;
}
