import { AlluviumError } from "@alluvium/core";

/**
 * What we use of a client of the package `pg`, structurally, so that any copy or version of it fits. `connection.stream` is the socket:
 * COPY reads from it directly.
 */
export interface PgClient {
  query(query: PgQuery): unknown;
  end(): Promise<void>;
  /** Only on clients of a pool: gives the client back. */
  release?(destroy?: boolean | Error): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  readonly connection?: { readonly stream?: PgSocket };
  readonly host?: string;
  readonly port?: number;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
}

/** A query as text, or an object that speaks the protocol itself. */
export type PgQuery = PgTextQuery | PgSubmittable;

/** A query as text: values come back as the server's text. */
export interface PgTextQuery {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly rowMode: "array";
  readonly types: { getTypeParser(): (value: string) => string };
}

/** The result of a {@link PgTextQuery}. */
export interface PgResult {
  readonly rows: readonly (readonly (string | null)[])[];
  readonly fields: readonly {
    readonly name: string;
    readonly dataTypeID: number;
    readonly dataTypeModifier: number;
  }[];
}

/** The connection as a submitted object sees it. */
export interface PgWire {
  readonly stream: PgSocket;
  query(text: string): void;
}

/** The socket of a connection. */
export interface PgSocket {
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  off(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  listeners(event: "data"): unknown[];
  pause(): unknown;
  resume(): unknown;
  destroy(error?: Error): unknown;
  readonly encrypted?: boolean;
  /** Only on sockets of our own, see `createSocket`: gets the bytes in place of the `data` event. */
  taker?: SocketTaker | undefined;
}

/** Takes what comes from a socket. */
export interface SocketTaker {
  /** Where what comes next may be put. */
  room(): Uint8Array;
  /** What came: the beginning of the last room, or somewhere else, and valid only during the call. */
  take(bytes: Uint8Array): void;
}

/** A query that handles the server's messages itself. */
export interface PgSubmittable {
  submit(wire: PgWire): void;
  handleError(error: Error): void;
  handleReadyForQuery(): void;
  handleRowDescription(): void;
  handleDataRow(): void;
  handleCommandComplete(): void;
  handleEmptyQuery(): void;
  handlePortalSuspended(): void;
  handleCopyInResponse(): void;
  handleCopyData(): void;
}

/** The options that we give to pg's `Client`. */
export interface PgClientConfig {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly ssl?: false | PgTls;
  readonly options?: string;
  readonly application_name?: string;
  readonly connectionTimeoutMillis?: number;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelayMillis?: number;
  readonly enableChannelBinding?: boolean;
  /** Makes the socket, which the driver connects. */
  readonly stream?: () => PgSocket;
}

/** TLS as Node's `tls.connect` takes it. */
export interface PgTls {
  /** The name or address that the certificate must be for: older drivers leave it out where it is an address. */
  readonly host: string;
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

type ClientClass = new (config: PgClientConfig) => PgClient & { connect(): Promise<unknown> };

/** Imports `pg` at its first use. */
export async function importPg(): Promise<ClientClass> {
  try {
    const module = (await import("pg")) as unknown as {
      readonly default?: { readonly Client: ClientClass };
      readonly Client?: ClientClass;
    };
    return (module.default?.Client ?? module.Client)!;
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new AlluviumError(
      "ALV_MISSING_PACKAGE",
      'reading from PostgreSQL by url needs the package "pg" (8.16 or later): npm install pg',
      { cause, step: "open" },
    );
  }
}

/** Checks that an object that a user gave is a connected client of `pg`. */
export function checkClient(value: unknown, option: "client" | "connect"): PgClient {
  const client = value as Partial<PgClient> | null | undefined;
  if (typeof client?.query === "function" && client.connection?.stream !== undefined)
    return client as PgClient;
  const pool =
    typeof (value as { readonly totalCount?: unknown } | null | undefined)?.totalCount === "number";
  throw new AlluviumError(
    "ALV_CONFIG",
    pool
      ? `postgres: the option ${option} got a Pool, but reading needs connections of its own: use connect: () => pool.connect()`
      : `postgres: the option ${option} needs ${option === "connect" ? "a function that returns " : ""}a connected Client of the package "pg"`,
    { step: "open" },
  );
}
