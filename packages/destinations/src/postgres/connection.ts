import { AlluviumError } from "@alluvium/core";
import { requestCancel } from "./cancel.ts";
import type { PgClient, PgResult } from "./client.ts";
import type { Connector } from "./connect.ts";
import { copyIn } from "./copy/copy-in.ts";
import { isFatal, translateError } from "./errors.ts";
import { pinSettings, readSettings, restoreSettings, type SessionSettings } from "./settings.ts";

/** What a connection is opened with. */
export interface ConnectionInfo {
  /** Server, port and database for messages. */
  readonly server: string;
  /** How the connection is let go. */
  readonly ownership: "opened" | "pooled" | "given";
  /** Makes further connections; `undefined` where there is only this one. */
  readonly again: Connector | undefined;
}

/** Where and how a statement runs. */
export interface StatementOptions {
  readonly signal?: AbortSignal | undefined;
  /** For messages. */
  readonly table?: string | undefined;
  /** For messages. @default "write" */
  readonly step?: string | undefined;
}

/** A row as texts by the names of its columns. */
export type TextRow = Readonly<Record<string, string | null>>;

/** What a statement gave. */
export interface StatementResult {
  readonly rows: readonly TextRow[];
  /** Object ids of the columns' types, by name. */
  readonly types: ReadonlyMap<string, number>;
  /** Rows that it changed. */
  readonly changed: number;
  /** What the server says that it did: `COMMIT`, `ROLLBACK` … */
  readonly command: string;
}

const textTypes = {
  getTypeParser:
    () =>
    (value: string): string =>
      value,
};

/** `server_version_num` of the first server with `MERGE`, and with `NULLS NOT DISTINCT`. */
const OLDEST = 150_000;

/** Milliseconds that a server has to stop what was cancelled, and for a goodbye. */
const GOODBYE = 5000;

/**
 * One connection to the server: runs one thing at a time in the order of the calls, knows whether it is still good, and is ended, given
 * back or left alone according to who opened it.
 */
export class PgConnection implements AsyncDisposable {
  readonly info: ConnectionInfo;
  readonly #client: PgClient;
  #backend: Backend | undefined;
  /** What others had set before us. */
  #settings: readonly TextRow[] = [];
  #giveUp: ((error: Error) => void) | undefined;
  #broken: Error | undefined;
  #disposed = false;
  #last: Promise<unknown> = Promise.resolve();
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

  /** The server's process behind this connection. Known after `prepare`. */
  get backend(): Backend {
    return this.#backend!;
  }

  /** Waits for the driver to connect; a failure ends the connection. */
  async opened(connect: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    try {
      await this.#run(connect, { signal, step: "open" });
    } catch (error) {
      this.destroy(error as Error);
      throw error;
    }
  }

  /** Pins settings of the session, and asks who serves it. A server before PostgreSQL 15 is `ALV_UNSUPPORTED`. */
  async prepare(settings: SessionSettings, signal: AbortSignal): Promise<void> {
    const call = { signal, step: "open" };
    const { rows } = await this.query(
      "select pg_backend_pid()::text as pid, current_setting('server_version_num') as version, " +
        "(select extract(epoch from backend_start)::text from pg_stat_activity where pid = pg_backend_pid()) as started",
      [],
      call,
    );
    const { pid, version, started } = rows[0]!;
    this.#backend = { pid: Number(pid), started: started ?? null, version: Number(version) };
    if (this.#backend.version < OLDEST)
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        `PostgreSQL at ${this.info.server} is version ${Math.floor(this.#backend.version / 10_000)}; 15 or later is needed`,
        { step: "open" },
      );
    if (this.info.ownership !== "opened") this.#settings = (await this.query(readSettings(), [], call)).rows;
    await this.query(pinSettings(settings, this.#backend.version), [], call);
  }

  /** Runs a statement with parameters `$1` …; values go and come as text. */
  async query(
    text: string,
    values: readonly (string | number | bigint | boolean | null)[] = [],
    options: StatementOptions = {},
  ): Promise<StatementResult> {
    const result = await this.#run(
      () =>
        this.#client.query({
          text,
          ...(values.length === 0
            ? {}
            : { values: values.map((value) => (value === null ? null : String(value))) }),
          rowMode: "array",
          types: textTypes,
        }) as Promise<PgResult | readonly PgResult[]>,
      options,
    );
    // A text of several statements gives one result each.
    const { rows, fields, rowCount, command } = (Array.isArray(result) ? result.at(-1) : result) as PgResult;
    return {
      rows: rows.map((row) => Object.fromEntries(fields.map(({ name }, i) => [name, row[i]!]))),
      types: new Map(fields.map(({ name, dataTypeID }) => [name, dataTypeID])),
      changed: rowCount ?? 0,
      command: command ?? "",
    };
  }

  /** Sends rows with a `COPY … FROM STDIN (FORMAT binary)`; returns how many. */
  async copy(
    sql: string,
    encode: (take: () => Uint8Array) => Iterable<Uint8Array>,
    options: StatementOptions = {},
  ): Promise<number> {
    return await this.#run(() => {
      const { query, done } = copyIn(sql, encode, options.signal);
      this.#client.query(query);
      return done;
    }, options);
  }

  /** Runs something when all that was asked for before is done. */
  async #run<Result>(work: () => Promise<Result>, options: StatementOptions): Promise<Result> {
    const turn = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = turn.promise;
    await before;
    try {
      return await this.#guarded(work, options);
    } finally {
      turn.resolve();
    }
  }

  async #guarded<Result>(
    work: () => Promise<Result>,
    { signal, table, step = "write" }: StatementOptions,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const place = { server: this.info.server, table, step };
    if (this.#broken !== undefined) throw translateError(this.#broken, place);
    let cancelled: Promise<void> | undefined;
    const onAbort = (): void => {
      cancelled = this.#cancel();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => {});
    this.#giveUp = gone.reject;
    try {
      return await Promise.race([work(), gone.promise]);
    } catch (error) {
      if (error instanceof Error && isFatal(error) && signal?.reason !== error && !AlluviumError.is(error))
        this.#broken ??= error;
      if (signal?.aborted === true) throw signal.reason;
      throw translateError(error, place);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#giveUp = undefined;
      // Whatever runs next must not be hit by a request that is late.
      await cancelled;
    }
  }

  /** Asks the server to stop what runs; where it does not in time, the connection is dropped. */
  async #cancel(): Promise<void> {
    const timer = setTimeout(
      () => this.destroy(new Error("Connection terminated: the server did not stop what was cancelled")),
      GOODBYE,
    );
    const waited = this.#last.then(() => clearTimeout(timer));
    if (!(await requestCancel(this.#client)) && !(await this.#cancelElsewhere()))
      this.destroy(new Error("Connection terminated: a statement was cancelled"));
    void waited;
  }

  async #cancelElsewhere(): Promise<boolean> {
    const { again } = this.info;
    if (again === undefined || this.#backend === undefined) return false;
    try {
      await using other = await again.open(AbortSignal.timeout(GOODBYE));
      await other.query("select pg_cancel_backend($1::int)", [this.#backend.pid], {
        signal: AbortSignal.timeout(GOODBYE),
      });
      return true;
    } catch {
      return false;
    }
  }

  /** Drops the connection at once; what runs on it fails. */
  destroy(reason: Error): void {
    this.#broken ??= reason;
    this.#giveUp?.(reason);
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.info.ownership === "pooled") this.#client.release?.(true);
    // A connection that was given is its owner's to close; but no one can use it while a statement hangs on it.
    this.#client.connection?.stream?.destroy();
  }

  /** Ends the transaction, if any, and lets the connection go: closed, given back, or left open as it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    const { ownership } = this.info;
    if (this.#broken === undefined) {
      // `rollback` outside a transaction is a notice, no error.
      const reset = this.query(["rollback", ...restoreSettings(this.#settings)].join("; "));
      if (!(await inTime(reset))) this.#broken = new Error("the server no longer answers");
    }
    if (this.#broken !== undefined && ownership !== "given") return this.destroy(this.#broken);
    this.#disposed = true;
    this.#client.off("error", this.#onError);
    if (ownership === "pooled") this.#client.release?.();
    else if (ownership === "opened" && !(await inTime(this.#client.end())))
      this.#client.connection?.stream?.destroy();
  }
}

/** A process of the server. Numbers are used again, so the time of its start belongs to its identity. */
export interface Backend {
  readonly pid: number;
  /** Seconds since 1970; `null` where the server hides it. */
  readonly started: string | null;
  /** `server_version_num`. */
  readonly version: number;
}

/** Whether something ends, well or not, while it is waited for. */
async function inTime(work: unknown): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), GOODBYE);
  });
  const done = Promise.resolve(work).then(
    () => true,
    () => true,
  );
  const ended = await Promise.race([done, late]);
  clearTimeout(timer);
  return ended;
}
