import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { PgSocket } from "../../src/postgres/client.ts";
import { createCopy } from "../../src/postgres/copy.ts";
import { wireCopy, wireInt32, wireMessage } from "./decode/wire.ts";

/** A COPY of one column on a connection without a server. */
function running(onBlock: () => void) {
  const calls: string[] = [];
  const messages: Buffer[] = [];
  const stream: PgSocket = Object.assign(new EventEmitter(), {
    pause: () => {},
    resume: () => {},
    destroy: () => calls.push("destroy"),
  });
  stream.on("data", (message) => {
    calls.push(String.fromCharCode(message[0]!));
    messages.push(Buffer.from(message));
  });
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
    messages,
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

test("what follows the end of the query goes to the driver, whole or not", async () => {
  const { messages, query, done, send } = running(() => {});
  const note = wireMessage("A", Buffer.from("\0\0\0\0channel\0payload\0"));
  const all = Buffer.concat([wireCopy([[wireInt32(1)]]), note]);
  const cut = all.length - 6;
  send(all.subarray(0, cut));
  query.handleReadyForQuery();
  send(all.subarray(cut));
  await done;
  const seen = Buffer.concat(messages);
  expect(seen.subarray(seen.indexOf("Z"))).toEqual(Buffer.concat([wireMessage("Z", Buffer.from("I")), note]));
});
