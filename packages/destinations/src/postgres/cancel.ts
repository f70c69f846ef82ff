import { createConnection } from "node:net";
import type { PgClient } from "./client.ts";

/** Milliseconds that a server has to take a request. */
const PATIENCE = 1000;

/**
 * Asks the server to cancel what the client runs, over a connection of its own without authentication. Says whether it could be sent: not
 * where TLS is used, nor where the driver does not tell the key.
 *
 * Source: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function requestCancel(client: PgClient): Promise<boolean> {
  const { host, port, processID, secretKey } = client;
  if (
    !host ||
    !port ||
    typeof processID !== "number" ||
    typeof secretKey !== "number" ||
    client.connection?.stream?.encrypted
  )
    return Promise.resolve(false);
  const request = new DataView(new ArrayBuffer(16));
  [16, 80_877_102, processID, secretKey].forEach((word, i) => request.setInt32(4 * i, word));
  return new Promise((done) => {
    const socket = host.startsWith("/")
      ? createConnection(`${host}/.s.PGSQL.${port}`)
      : createConnection(port, host);
    let sent = false;
    const end = (): void => {
      socket.destroy();
      done(sent);
    };
    socket.setTimeout(PATIENCE, end);
    socket.once("error", end).once("close", end);
    socket.once("connect", () => socket.end(new Uint8Array(request.buffer), () => (sent = true)));
  });
}
