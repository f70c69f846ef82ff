import { createConnection } from "node:net";
import { AlluviumError } from "@alluvium/core";
import type { PgClient, PgResult, PgSubmittable } from "./client.ts";
import { translateError } from "./errors.ts";

/** What a connection is opened with. */
export interface ConnectionInfo {
  /** Server, port and database for messages. */
  readonly server: string;
  /** How the connection is let go. */
  readonly ownership: "opened" | "pooled" | "given";
  /** Milliseconds of silence after which the server is given up. */
  readonly idleTimeout: number;
}

const textTypes = {
  getTypeParser:
    () =>
    (value: string): string =>
      value,
};

/**
 * One connection to the server: runs one thing at a time, knows whether it is still good, and is ended, given back or left alone according
 * to who opened it.
 */
export class PgConnection implements AsyncDisposable {
  readonly info: ConnectionInfo;
  readonly #client: PgClient;
  #broken: Error | undefined;
  #destroyed = false;
  #busy = false;
  readonly #onError = (error: Error): void => {
    this.#broken ??= error;
  };

  constructor(client: PgClient, info: ConnectionInfo) {
    this.#client = client;
    this.info = info;
    // A driver's error event without a listener ends the process.
    client.on("error", this.#onError);
  }

  /** Why the connection can no longer be used; `undefined`: it can. */
  get broken(): Error | undefined {
    return this.#broken;
  }

  /** Number of the server's process. */
  get pid(): number | undefined {
    return this.#client.processID ?? undefined;
  }

  /** Waits for the driver to connect; a failure ends the connection. */
  async opened(connect: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    try {
      await this.#guarded(signal, "open", undefined, () => connect());
    } catch (error) {
      this.destroy(error as Error);
      throw error;
    }
  }

  /** Runs a statement and returns its rows as objects of texts. */
  async query<Row extends Readonly<Record<string, string | null>>>(
    text: string,
    options: {
      readonly signal?: AbortSignal;
      readonly resource?: string;
      readonly step?: "open" | "read";
    } = {},
  ): Promise<readonly Row[]> {
    const result = await this.result(text, options);
    return result.rows.map(
      (row) => Object.fromEntries(result.fields.map(({ name }, i) => [name, row[i]!])) as Row,
    );
  }

  /** Runs a statement. */
  async result(
    text: string,
    options: {
      readonly signal?: AbortSignal;
      readonly resource?: string;
      readonly step?: "open" | "read";
    } = {},
  ): Promise<PgResult> {
    const { signal, resource, step = "open" } = options;
    return this.#guarded(signal, step, resource, (beat) => {
      beat();
      return this.#client.query({ text, rowMode: "array", types: textTypes }) as Promise<
        PgResult | PgResult[]
      >;
    }).then((result) => (Array.isArray(result) ? result.at(-1)! : result));
  }

  /** Hands a query object to the driver and waits for it; `beat` tells that the server still answers. */
  async submit(
    build: (beat: (running: boolean) => void) => {
      readonly query: PgSubmittable;
      readonly done: Promise<void>;
    },
    options: { readonly signal?: AbortSignal; readonly resource?: string },
  ): Promise<void> {
    await this.#guarded(options.signal, "read", options.resource, (beat) => {
      const { query, done } = build(beat);
      this.#client.query(query);
      return done;
    });
  }

  async #guarded<Result>(
    signal: AbortSignal | undefined,
    step: "open" | "read",
    resource: string | undefined,
    work: (beat: (running?: boolean) => void) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#broken) throw this.#translate(this.#broken, step, resource);
    const { idleTimeout } = this.info;
    let timer: NodeJS.Timeout | undefined;
    const { promise: stopped, reject: stop } = Promise.withResolvers<never>();
    stopped.catch(() => {});
    const silent = (): void => {
      const error = new AlluviumError(
        "ALV_TIMEOUT",
        `PostgreSQL at ${this.info.server}${resource === undefined ? "" : `, ${resource}`}: no answer for ${idleTimeout / 1000} s. If the query needs longer before its first row, raise the option idleTimeout`,
        { step, ...(resource === undefined ? {} : { resource }) },
      );
      this.destroy(error);
      stop(error);
    };
    let over = false;
    const beat = (running: boolean = true): void => {
      if (over) return;
      if (!running) {
        clearTimeout(timer);
        timer = undefined;
      } else if (timer === undefined) timer = setTimeout(silent, idleTimeout);
      else timer.refresh();
    };
    const aborted = (): void => {
      const reason = signal!.reason as Error;
      void this.#abandon(reason);
      stop(reason);
    };
    signal?.addEventListener("abort", aborted, { once: true });
    this.#busy = true;
    try {
      return await Promise.race([work(beat), stopped]);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#translate(error, step, resource);
    } finally {
      over = true;
      this.#busy = false;
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    }
  }

  #translate(error: unknown, step: "open" | "read", resource: string | undefined): unknown {
    return translateError(error, {
      server: this.info.server,
      step,
      ...(resource === undefined ? {} : { resource }),
    });
  }

  /** Leaves what runs: asks the server to cancel it, and drops the connection if it is ours. */
  async #abandon(reason: Error): Promise<void> {
    await cancel(this.#client);
    if (this.info.ownership !== "given") this.destroy(reason);
    else this.#client.connection?.stream?.resume();
  }

  /** Drops the connection at once. */
  destroy(reason: Error): void {
    this.#broken ??= reason;
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (this.info.ownership === "pooled") this.#client.release?.(true);
    this.#client.connection?.stream?.destroy();
  }

  /** Ends the transaction, if any, and lets the connection go: closed, given back, or left open as it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#destroyed) return;
    if (this.#broken === undefined && this.#busy && this.info.ownership !== "given") {
      await cancel(this.#client);
      this.destroy(new Error("the connection was closed while it was in use"));
      return;
    }
    const { ownership } = this.info;
    if (this.#broken === undefined) {
      if (this.#busy) await cancel(this.#client);
      // `rollback` outside a transaction is a notice, no error.
      const rolledBack = this.#client.query({ text: "rollback", rowMode: "array", types: textTypes });
      if (!(await inTime(rolledBack))) this.#broken = new Error("the server no longer answers");
    }
    if (this.#broken !== undefined && ownership !== "given") {
      this.destroy(this.#broken);
      return;
    }
    this.#destroyed = true;
    if (ownership === "given") this.#client.off("error", this.#onError);
    else if (ownership === "pooled") this.#client.release?.();
    else if (!(await inTime(this.#client.end()))) this.#client.connection?.stream?.destroy();
  }
}

/** Milliseconds that a server has for a goodbye. */
const goodbye = 2000;

/** Whether something ends, well or not, while it is waited for. */
async function inTime(work: unknown): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), goodbye);
  });
  const done = Promise.resolve(work).then(
    () => true,
    () => true,
  );
  const ended = await Promise.race([done, late]);
  clearTimeout(timer);
  return ended;
}

/**
 * Asks the server to cancel what the client runs (CancelRequest, over a connection of its own:
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS). Best effort: where it cannot be sent (TLS only,
 * a pooler) the server notices that the connection is gone at its next row.
 */
function cancel(client: PgClient): Promise<void> {
  const { host, port, processID, secretKey } = client;
  if (
    !host ||
    !port ||
    typeof processID !== "number" ||
    typeof secretKey !== "number" ||
    client.connection?.stream?.encrypted
  )
    return Promise.resolve();
  const request = new DataView(new ArrayBuffer(16));
  [16, 80_877_102, processID, secretKey].forEach((word, i) => request.setInt32(4 * i, word));
  return new Promise((done) => {
    const socket = host.startsWith("/")
      ? createConnection(`${host}/.s.PGSQL.${port}`)
      : createConnection(port, host);
    const end = (): void => {
      socket.destroy();
      done();
    };
    socket.setTimeout(1000, end);
    socket.once("error", end).once("close", end);
    socket.once("connect", () => socket.end(new Uint8Array(request.buffer)));
  });
}
