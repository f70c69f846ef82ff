import { readFile } from "node:fs/promises";
import { AlluviumError } from "@alluvium/core";
import type { PgClientConfig, PgTls } from "./client.ts";

/** A connection string in parts. The password is in `config` only. */
export interface ParsedUrl {
  readonly config: PgClientConfig;
  /** Host, port and database, for messages. */
  readonly server: string;
}

const known = new Set([
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "application_name",
  "connect_timeout",
  "options",
  "channel_binding",
  "sslnegotiation",
  "uselibpqcompat",
  "target_session_attrs",
  "keepalives",
]);

/**
 * Reads a connection string of the form `postgres://user:password@host:port/database?sslmode=…`. TLS is verified whenever it is used:
 * `require`, `verify-ca` and `verify-full` (and `prefer`, `allow`) all mean TLS with a trusted certificate for the host's name; `no-verify`
 * alone takes any certificate; `disable`, or no sslmode, is no TLS. No message repeats the string: it may hold a password.
 */
export async function parseUrl(text: string): Promise<ParsedUrl> {
  const url = parse(text);
  const get = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const unknown = [...url.searchParams.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) throw refused(`has the parameter "${unknown}", which is not known`);
  const host = get("host") ?? (decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1") || undefined);
  if (host?.includes(",")) throw refused("names several hosts; name one");
  const port = number("port", get("port") ?? (url.port || "5432"));
  const database = get("dbname") ?? (decodeURIComponent(url.pathname.slice(1)) || undefined);
  const user = get("user") ?? (decodeURIComponent(url.username) || undefined);
  const password = get("password") ?? (decodeURIComponent(url.password) || undefined);
  const timeout = get("connect_timeout");
  const server = host ?? "localhost";
  const ssl = await tls(server, get);
  const config: PgClientConfig = {
    host: server,
    port,
    ssl,
    application_name: get("application_name") ?? "alluvium",
    enableChannelBinding: ssl !== false && get("channel_binding") !== "disable",
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    ...(get("options") === undefined ? {} : { options: get("options")! }),
    ...(timeout === undefined ? {} : { connectionTimeoutMillis: 1000 * number("connect_timeout", timeout) }),
  };
  return { config, server: `${server}:${port}/${database ?? user ?? ""}` };
}

function parse(text: string): URL {
  if (!/^postgres(ql)?:\/\//.test(text)) throw refused("does not begin with postgres:// or postgresql://");
  try {
    return new URL(text);
  } catch {
    // Without a cause: Node's error holds the whole string.
    throw refused("cannot be read: characters such as @ : / ? # in user or password must be percent-encoded");
  }
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 65_536) return value;
  throw refused(`has ${name} ${JSON.stringify(text)}, which is no number that fits`);
}

function refused(what: string): AlluviumError {
  return new AlluviumError(
    "ALV_CONFIG",
    `postgres: the connection string ${what}. It must be like postgres://user:password@host:5432/database?sslmode=require`,
    { step: "open" },
  );
}

async function tls(host: string, get: (name: string) => string | undefined): Promise<false | PgTls> {
  const mode = get("sslmode");
  const files = ["sslrootcert", "sslcert", "sslkey"] as const;
  switch (mode) {
    case undefined:
      if (files.every((file) => get(file) === undefined)) return false;
      break;
    case "disable":
      return false;
    case "allow":
    case "prefer":
    case "require":
    case "verify-ca":
    case "verify-full":
    case "no-verify":
      break;
    default:
      throw refused(
        `has sslmode ${JSON.stringify(mode)}; it must be disable, require, verify-full or no-verify`,
      );
  }
  const [ca, cert, key] = await Promise.all(
    files.map(async (name) => {
      const path = get(name);
      if (path === undefined || path === "system") return undefined;
      try {
        return await readFile(path, "utf8");
      } catch (cause) {
        throw new AlluviumError("ALV_CONFIG", `postgres: ${name} ${JSON.stringify(path)} cannot be read`, {
          cause,
          step: "open",
        });
      }
    }),
  );
  return {
    host,
    rejectUnauthorized: mode !== "no-verify",
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
