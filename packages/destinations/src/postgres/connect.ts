import { revealCredential, withFreshCredentials } from "@alluvium/core";
import { checkClient, importPg, type PgClient } from "./client.ts";
import { PgConnection } from "./connection.ts";
import { translateError } from "./errors.ts";
import type { CheckedOptions } from "./options.ts";
import { parseUrl } from "./url.ts";

/** Makes connections, however the user wants them made. */
export interface Connector {
  /** Whether there is only one connection, the user's own. */
  readonly single: boolean;
  /** A connection that the caller disposes of. The one of `single` is left open. */
  open(signal: AbortSignal): Promise<PgConnection>;
}

/** Opens nothing yet. The url's secret is asked for at each connection, so that a rotated one takes effect. */
export function createConnector(options: CheckedOptions): Connector {
  const { url, client, connect, connectTimeout } = options;
  const connector: Connector = {
    single: client !== undefined,
    async open(signal) {
      const connection = await made(signal);
      try {
        await connection.prepare(options, signal);
        return connection;
      } catch (error) {
        await connection[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
  const again = client === undefined ? connector : undefined;

  async function made(signal: AbortSignal): Promise<PgConnection> {
    if (client !== undefined)
      return new PgConnection(checkClient(client, "client"), {
        server: describe(client),
        ownership: "given",
        again,
      });
    if (connect !== undefined) {
      let found: PgClient;
      try {
        found = checkClient(await connect(), "connect");
      } catch (cause) {
        throw translateError(cause, { server: "the server of connect", step: "open" });
      }
      const ownership = typeof found.release === "function" ? "pooled" : "opened";
      return new PgConnection(found, { server: describe(found), ownership, again });
    }
    return withFreshCredentials([url, options.password], () => opened(signal));
  }

  async function opened(signal: AbortSignal): Promise<PgConnection> {
    const { config, server } = await parseUrl(await revealCredential(url!, "postgres: url"));
    const password =
      options.password === undefined
        ? undefined
        : await revealCredential(options.password, "postgres: password");
    const Client = await importPg();
    const own = new Client({
      connectionTimeoutMillis: connectTimeout,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...config,
      ...(password === undefined ? {} : { password }),
    });
    const connection = new PgConnection(own, { server, ownership: "opened", again });
    await connection.opened(() => own.connect(), signal);
    return connection;
  }

  return connector;
}

/** Server, port and database of a client, for messages. */
function describe(client: unknown): string {
  const { host, port, database } = client as Readonly<Record<string, unknown>>;
  const text = (value: unknown): string =>
    typeof value === "string" || typeof value === "number" ? `${value}` : "?";
  return `${text(host)}:${text(port)}/${text(database)}`;
}
