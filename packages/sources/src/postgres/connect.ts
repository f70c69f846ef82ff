import { AlluviumError, revealCredential, withFreshCredentials } from "@alluvium/core";
import { checkClient, importPg, type PgClient } from "./client.ts";
import { PgConnection } from "./connection.ts";
import { translateError } from "./errors.ts";
import type { PostgresConnectionOptions } from "./options.ts";
import { createSocket } from "./socket.ts";
import { parseUrl } from "./url.ts";

/** Makes connections, however the user wants them made. */
export interface Connector {
  /** Whether there is only one connection, the user's own. */
  readonly single: boolean;
  /** A connection that the caller disposes of. The one of `single` is left open. */
  open(signal: AbortSignal): Promise<PgConnection>;
}

/** Opens nothing yet. The url's secret is asked for at each connection, so that a rotated one takes effect. */
export function createConnector(options: PostgresConnectionOptions): Connector {
  const { url, client, connect, connectTimeout = 15_000, idleTimeout = 300_000 } = options;
  const given = [url, client, connect].filter((option) => option !== undefined).length;
  if (given !== 1)
    throw new AlluviumError(
      "ALV_CONFIG",
      `postgres: ${given === 0 ? "none" : "several"} of url, client and connect ${given === 0 ? "is" : "are"} given; one is needed`,
      { step: "open" },
    );
  if (client !== undefined)
    return {
      single: true,
      open: async () =>
        new PgConnection(checkClient(client, "client"), {
          server: describe(client),
          ownership: "given",
          idleTimeout,
        }),
    };
  if (connect !== undefined)
    return {
      single: false,
      async open() {
        let made: PgClient;
        try {
          made = checkClient(await connect(), "connect");
        } catch (cause) {
          throw translateError(cause, { server: "the server of connect", step: "open" });
        }
        const ownership = typeof made.release === "function" ? "pooled" : "opened";
        return new PgConnection(made, { server: describe(made), ownership, idleTimeout });
      },
    };
  return {
    single: false,
    open: (signal) => withFreshCredentials([url, options.password], () => opened(signal)),
  };

  async function opened(signal: AbortSignal): Promise<PgConnection> {
    const { config, server } = await parseUrl(await revealCredential(url!, "postgres: url"));
    const password =
      options.password === undefined
        ? undefined
        : await revealCredential(options.password, "postgres: password");
    const Client = await importPg();
    const made = new Client({
      connectionTimeoutMillis: connectTimeout,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...config,
      // The driver puts TLS around a socket of its own.
      ...(config.ssl === false ? { stream: createSocket } : {}),
      ...(password === undefined ? {} : { password }),
    });
    const connection = new PgConnection(made, { server, ownership: "opened", idleTimeout });
    await connection.opened(() => made.connect(), signal);
    return connection;
  }
}

/** Server, port and database of a client, for messages. */
function describe(client: unknown): string {
  const { host, port, database } = client as Readonly<Record<string, unknown>>;
  const text = (value: unknown): string =>
    typeof value === "string" || typeof value === "number" ? `${value}` : "?";
  return `${text(host)}:${text(port)}/${text(database)}`;
}
