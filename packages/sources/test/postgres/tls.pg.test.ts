import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AlluviumError } from "@alluvium/core";
import { postgres } from "@alluvium/sources/postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPostgres, type PostgresServer } from "../../../../scripts/postgres.ts";
import { createCertificate } from "./certificate.ts";
import { readAll, sourceContext, streamOf } from "./database.ts";

const folder = mkdtempSync(join(tmpdir(), "alluvium-tls-"));
const authority = createCertificate({ name: "test authority" });
const stranger = createCertificate({ name: "another authority" });
const client = createCertificate({ name: "reader", issuer: authority });
const files = {
  ca: authority.pem,
  stranger: stranger.pem,
  cert: client.pem,
  key: client.keyPem,
};
const path = (name: keyof typeof files): string => join(folder, `${name}.pem`);

// Without TLS only its owner may connect; with TLS anybody, `reader` by its certificate alone.
const hba = `hostssl all reader 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 trust
hostnossl all postgres 127.0.0.1/32 trust
`;

/** A server with a certificate for the name, or the address, alone. */
async function tlsServer(names: {
  readonly hosts?: readonly string[];
  readonly addresses?: readonly string[];
  readonly until?: Date;
}): Promise<PostgresServer> {
  const certificate = createCertificate({ name: "server", issuer: authority, ...names });
  return startPostgres({
    settings: { ssl: "on", ssl_ca_file: "ca.crt" },
    files: {
      "server.crt": certificate.pem,
      "server.key": certificate.keyPem,
      "ca.crt": authority.pem,
      "pg_hba.conf": hba,
    },
  });
}

let named: PostgresServer;
let addressed: PostgresServer;
let expired: PostgresServer;

beforeAll(async () => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.pem`), text);
  [named, addressed, expired] = await Promise.all([
    tlsServer({ hosts: ["localhost"] }),
    tlsServer({ addresses: ["127.0.0.1"] }),
    tlsServer({ hosts: ["localhost"], until: new Date(Date.now() - 3_600_000) }),
  ]);
  const owner = new pg.Client({ connectionString: named.url });
  await owner.connect();
  await owner.query(`create table big as select i as id, repeat(md5(i::text), 8) as filler from generate_series(1, 60000) i;
    create role reader login`);
  await owner.end();
});

afterAll(async () => {
  await Promise.all([named, addressed, expired].map((server) => server[Symbol.asyncDispose]()));
  rmSync(folder, { recursive: true });
});

function at(server: PostgresServer, host: string, query: string, user: string = "postgres"): string {
  const url = new URL(server.url);
  url.hostname = host;
  url.username = user;
  url.search = query;
  return url.href;
}

/** How the session that reads is encrypted, by the server. */
async function encrypted(url: string): Promise<unknown> {
  await using session = await postgres({
    url,
    queries: { tls: { sql: "select ssl from pg_stat_ssl where pid = pg_backend_pid()" } },
    tables: [],
  }).open(sourceContext());
  return (await readAll(streamOf(session, "tls"))).rows[0]!["ssl"];
}

async function refusal(url: string): Promise<AlluviumError> {
  const error: unknown = await encrypted(url).catch((thrown: unknown) => thrown);
  if (!AlluviumError.is(error)) throw error instanceof Error ? error : new Error("it connected");
  return error;
}

const trusted = `sslrootcert=${encodeURIComponent(path("ca"))}`;

test("a certificate of a given authority for the host's name is taken, and a whole table comes through TLS", async () => {
  for (const mode of ["verify-full", "verify-ca", "require", "prefer", "allow"])
    expect(await encrypted(at(named, "localhost", `?sslmode=${mode}&${trusted}`)), mode).toBe(true);
  // A file of authorities alone asks for TLS too.
  expect(await encrypted(at(named, "localhost", `?${trusted}`))).toBe(true);
  await using session = await postgres({
    url: at(named, "localhost", `?sslmode=verify-full&${trusted}`),
    tables: ["big"],
  }).open(sourceContext());
  const { rows } = await readAll(streamOf(session, "big"));
  expect(rows).toHaveLength(60_000);
  expect(rows.reduce((sum, { id }) => sum + (id as number), 0)).toBe((60_000 * 60_001) / 2);
});

test("a certificate for the host's address is taken under that address only", async () => {
  expect(await encrypted(at(addressed, "127.0.0.1", `?sslmode=verify-full&${trusted}`))).toBe(true);
  expect(await refusal(at(addressed, "localhost", `?sslmode=verify-full&${trusted}`))).toMatchObject({
    code: "ALV_CONNECTION",
    retryable: false,
    message: expect.stringMatching(/localhost.*certificate is for another name/s) as string,
  });
});

test("a certificate for another name is refused, also where the host is given as an address", async () => {
  for (const mode of ["verify-full", "require"])
    expect(await refusal(at(named, "127.0.0.1", `?sslmode=${mode}&${trusted}`)), mode).toMatchObject({
      code: "ALV_CONNECTION",
      retryable: false,
      message: expect.stringMatching(
        /127\.0\.0\.1.*certificate is for another name.*sslmode=no-verify/s,
      ) as string,
    });
});

test("a certificate of no or another authority is refused, whatever the mode, and no-verify takes it", async () => {
  const wrong = `sslrootcert=${encodeURIComponent(path("stranger"))}`;
  for (const query of ["sslmode=require", "sslmode=verify-full", `sslmode=verify-full&${wrong}`])
    expect(await refusal(at(named, "localhost", `?${query}`)), query).toMatchObject({
      code: "ALV_CONNECTION",
      retryable: false,
      message: expect.stringMatching(/certificate is not trusted.*sslrootcert=<file>/) as string,
    });
  expect(await encrypted(at(named, "localhost", "?sslmode=no-verify"))).toBe(true);
});

test("a certificate that has expired is refused as such", async () => {
  expect(await refusal(at(expired, "localhost", `?sslmode=verify-full&${trusted}`))).toMatchObject({
    code: "ALV_CONNECTION",
    retryable: false,
    message: expect.stringMatching(/certificate has expired/) as string,
  });
});

test("no sslmode is no TLS, and a server that wants it says so", async () => {
  expect(await encrypted(at(named, "127.0.0.1", ""))).toBe(false);
  expect(await refusal(at(named, "127.0.0.1", "", "reader"))).toMatchObject({
    code: "ALV_AUTH",
    message: expect.stringMatching(/no encryption.*sslmode/s) as string,
  });
});

test("a certificate of the client's own logs it in", async () => {
  const own = `sslcert=${encodeURIComponent(path("cert"))}&sslkey=${encodeURIComponent(path("key"))}`;
  expect(await encrypted(at(named, "localhost", `?sslmode=verify-full&${trusted}&${own}`, "reader"))).toBe(
    true,
  );
  expect(await refusal(at(named, "localhost", `?sslmode=verify-full&${trusted}`, "reader"))).toMatchObject({
    code: "ALV_AUTH",
    message: expect.stringContaining("certificate") as string,
  });
});
