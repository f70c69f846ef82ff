import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What happens to a statement that the proxy was told to look for. */
export type Loss = "request" | "answer" | "hang";

/** A server that passes everything on, and loses what it is told to. */
export interface Proxy extends AsyncDisposable {
  /** The database's url by way of the proxy. */
  readonly url: string;
  /**
   * The next statement with this text: `request`: it never arrives, and the connection breaks; `answer`: it arrives, then the connection breaks;
   * `hang`: it arrives, and nothing comes back.
   */
  lose(statement: string, how: Loss): void;
  /** Called when the statement came by; what it returns is waited for before the statement goes on. */
  onLoss: () => void | Promise<void>;
}

/** Starts a proxy before the database of `url`. */
export async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let plan: { readonly statement: string; readonly how: Loss } | undefined;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    let silent = false;
    let cut = false;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.once("close", () => sockets.delete(socket));
    }
    const pass = async (bytes: Buffer): Promise<void> => {
      if (plan !== undefined && bytes.includes(plan.statement)) {
        const { how } = plan;
        plan = undefined;
        if (how === "request") {
          await proxy.onLoss();
          return end();
        }
        silent = true;
        cut = how === "answer";
        if (!cut) {
          // Nobody may be there any more to keep the connection open.
          far.write(bytes);
          return proxy.onLoss();
        }
      }
      far.write(bytes);
    };
    near.on("data", (bytes) => void pass(bytes));
    far.on("data", (bytes) => {
      // The answer is there, so the statement has taken effect.
      if (cut) void Promise.resolve(proxy.onLoss()).then(end);
      else if (!silent) near.write(bytes);
    });
    near.once("close", () => far.destroy());
    far.once("close", () => {
      if (!silent || cut) near.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const own = new URL(url);
  own.hostname = "127.0.0.1";
  own.port = String((server.address() as AddressInfo).port);
  const proxy: Proxy = {
    url: own.href,
    onLoss: () => {},
    lose: (statement, how) => (plan = { statement, how }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
  return proxy;
}
