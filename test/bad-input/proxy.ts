import { createConnection, createServer, type AddressInfo, type Socket } from "node:net";

/** A line to a server that can go bad. */
export interface Proxy extends AsyncDisposable {
  /** The server's url by way of the proxy. */
  readonly url: string;
  /** Bytes from the server so far. */
  readonly received: number;
  /** `silent`: passes nothing on, and takes new connections without answering; `reset`: breaks each connection once it is used. */
  mode: "open" | "silent";
  /** Breaks all connections that are open. */
  breakAll(): void;
  /** Called with the bytes from the server so far, before they are passed on. */
  onData: (received: number) => void;
}

/** Opens a proxy on a free port of 127.0.0.1. */
export async function openProxy(target: string): Promise<Proxy> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  let received = 0;
  const server = createServer((near) => {
    const far = createConnection(Number(to.port), to.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes) => void (proxy.mode === "open" && far.write(bytes)));
    far.on("data", (bytes) => {
      received += bytes.length;
      proxy.onData(received);
      if (proxy.mode === "open" && !near.destroyed) near.write(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const proxy: Proxy = {
    url: url.href,
    mode: "open",
    onData: () => {},
    get received() {
      return received;
    },
    breakAll() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}
