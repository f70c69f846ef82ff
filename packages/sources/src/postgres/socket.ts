import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { PgSocket, SocketTaker } from "./client.ts";

/** What one read from the system may take at most while nobody gives room. */
const READ_BYTES = 64 * 1024;

/**
 * A socket, not yet connected, that reads into one buffer of its own, or, while there is a `taker`, into the room that it gives. A socket reads into a
 * new buffer each time, and a COPY is gigabytes: making and collecting those buffers costs more than a tenth of the whole load. Without a `taker` the
 * `data` event brings a copy, because the driver may keep what it is given.
 */
export function createSocket(): Socket & PgSocket {
  const own = Buffer.allocUnsafeSlow(READ_BYTES);
  // Nothing is known of `socket` yet when it asks first.
  let current: { readonly taker?: SocketTaker | undefined } | undefined;
  const socket: Socket & { taker?: SocketTaker | undefined } = new Socket({
    onread: {
      // Asked for again after each read.
      buffer: () => current?.taker?.room() ?? own,
      callback(size, buffer) {
        const bytes = buffer.subarray(0, size);
        if (socket.taker === undefined) socket.emit("data", Buffer.from(bytes));
        else socket.taker.take(bytes);
        return true;
      },
    },
  });
  socket.taker = undefined;
  // A connection may be held for longer than it lives.
  socket.once("close", () => (socket.taker = undefined));
  current = socket;
  return socket;
}
