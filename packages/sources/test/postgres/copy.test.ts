import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { PgSocket } from "../../src/postgres/client.ts";
import { createCopy } from "../../src/postgres/copy.ts";
import { wireCopy, wireInt32, wireMessage } from "./decode/wire.ts";

/** A COPY of one column on a connection without a server. */
function running(onBlock: () => void) {
  const calls: string[] = [];
  const stream: PgSocket = Object.assign(new EventEmitter(), {
    pause: () => {},
    resume: () => {},
    destroy: () => calls.push("destroy"),
  });
  stream.on("data", (message) => calls.push(String.fromCharCode(message[0]!)));
  const { query, done } = createCopy({
    sql: "copy",
    columns: 1,
    onBlock,
    onStart: () => {},
    onActivity: () => {},
    onFailure: (error) => calls.push((error as Error).message),
  });
  query.submit({ stream, query: (sql) => calls.push(sql) });
  return {
    calls,
    query,
    done,
    send: (bytes: Uint8Array) => (stream as unknown as EventEmitter).emit("data", bytes),
  };
}

test("rows that cannot be taken leave the connection as it was", async () => {
  const { calls, query, done, send } = running(() => {
    throw new Error("full");
  });
  send(wireCopy([[wireInt32(1)], [wireInt32(2)]]));
  query.handleReadyForQuery();
  await expect(done).rejects.toThrow("full");
  expect(calls).toEqual(["copy", "full", "C", "Z"]);
});

test("a stream in which the place is lost ends the connection", async () => {
  const { calls, query, done, send } = running(() => {});
  send(Buffer.concat([wireMessage("H", Buffer.alloc(3)), Buffer.from([0x64, 0x7f, 0xff, 0xff, 0xff])]));
  // What the driver says when the connection is gone.
  query.handleError(new Error("Connection terminated unexpectedly"));
  await expect(done).rejects.toThrow(/a message of length 2147483647/);
  expect(calls).toEqual(["copy", expect.stringMatching(/cannot be decoded/), "destroy"]);
});
