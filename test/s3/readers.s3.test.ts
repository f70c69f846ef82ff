import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, inject, test } from "vitest";
import { pipeline, resource, source, type ObjectStore } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { s3Store } from "@alluvium/core/storage/s3";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { installNode, installOnce } from "../installed.ts";
import { readByEngine, sparkJars } from "./engines.ts";

const run = promisify(execFile);
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

async function bucket(endpoint: string): Promise<{ readonly name: string; readonly store: ObjectStore }> {
  const name = `readers-${randomBytes(6).toString("hex")}`;
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return { name, store: s3Store(`s3://${name}/lake`, { endpoint, credentials }) };
}

/** Three loads: rows, some of them changed (deletion vectors), some more. */
async function load(store: ObjectStore): Promise<void> {
  for (const ids of [
    [1, 2, 3, 4],
    [2, 4],
    [5, 6],
  ]) {
    const rows = resource({
      name: "totals",
      primaryKey: "id",
      disposition: "merge",
      columns: { total: { type: "decimal", precision: 18, scale: 2 } },
      async *read() {
        yield ids.map((id) => ({
          id,
          load: ids.length,
          total: `${id}.50`,
          name: id === 3 ? null : `n${id} ü`,
        }));
      },
    });
    await pipeline({
      name: "shop",
      source: source("s", () => [rows])(),
      destination: delta({ store }),
    }).run();
  }
}

interface Found {
  readonly id: unknown;
  readonly load: unknown;
  readonly total: unknown;
  readonly name: unknown;
}

/** Rows as text, in the order of their keys. */
function texts(rows: readonly object[]): readonly string[] {
  return (rows as readonly Found[])
    .map(({ id, load: number, total, name }) =>
      [id, number, total, name].map(String).join(" ").replace("None", "null"),
    )
    .toSorted();
}

async function ours(store: ObjectStore): Promise<readonly string[]> {
  const rows: object[] = [];
  for await (const batch of deltaTable({ store, path: "totals" }).scan()) rows.push(...rowsOf(batch));
  return texts(rows);
}

describe.each(["ministack", "s3proxy"] as const)("a lake on %s", (server) => {
  test("is read by delta-rs with the same rows", { timeout: 300_000 }, async () => {
    const endpoint = inject("s3")[server];
    const { name, store } = await bucket(endpoint);
    await load(store);
    const rows = await ours(store);
    expect(rows.length).toBe(6);
    expect(texts(await readByEngine(["delta-rs", endpoint, `s3://${name}/lake/totals`]))).toEqual(rows);
  });
});

// Needs 546 MB of ClickHouse.
describe.runIf(process.env["ALLUVIUM_CHDB"] !== undefined)("ClickHouse (chdb)", () => {
  // S3Proxy does not take the headers that it sends.
  test("reads a lake with the same rows", { timeout: 600_000 }, async () => {
    const endpoint = inject("s3").ministack;
    const { name, store } = await bucket(endpoint);
    await load(store);
    const folder = await installOnce("chdb", ["3.4.0"], (into) => installNode(into, ["chdb@3.4.0"]));
    const query = `select id, load, toDecimalString(total, 2) as total, name from deltaLake('${endpoint}/${name}/lake/totals', '${credentials.accessKeyId}', '${credentials.secretAccessKey}')`;
    // In a process of its own, which may load what is not in the workspace.
    const program = `const { Session } = require("chdb"); process.stdout.write(new Session().query(${JSON.stringify(query)}, "JSONEachRow"))`;
    const { stdout } = await run(process.execPath, ["-e", program], { cwd: folder, maxBuffer: 1 << 26 });
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(texts(rows)).toEqual(await ours(store));
  });
});

// Needs 640 MB of jars.
describe.runIf(process.env["ALLUVIUM_SPARK_S3"] !== undefined)("Spark with Hadoop 3.4.2", () => {
  const statements = (...list: readonly string[]): string => JSON.stringify(list);
  test("reads a lake with the same rows", { timeout: 600_000 }, async () => {
    const endpoint = inject("s3").ministack;
    const { name, store } = await bucket(endpoint);
    await load(store);
    const rows = await readByEngine([
      "spark",
      endpoint,
      `s3a://${name}/lake/totals`,
      await sparkJars(),
      statements("select * from {table}"),
    ]);
    expect(texts(rows)).toEqual(await ours(store));
  });

  // Why Spark must not write our tables on S3: it looks whether the version is there, and puts it without a condition, whatever S3A is told.
  test.each<[string, object]>([
    ["as it comes", {}],
    ["with the performance flag create", { "spark.hadoop.fs.s3a.performance.flags": "create" }],
  ])("overwrites a commit that comes in between: %s", { timeout: 600_000 }, async (_how, settings) => {
    const endpoint = inject("s3").ministack;
    const { name, store } = await bucket(endpoint);
    await load(store);
    const puts: { readonly condition: string | undefined; readonly status: number }[] = [];
    let raced = false;
    await using proxy = await startProxy(
      endpoint,
      async ({ method, url }) => {
        if (raced || method !== "PUT" || !isVersion(url)) return;
        raced = true;
        // Just before Spark's version arrives, a load of ours takes it.
        await load(store);
      },
      ({ method, url, headers }, status) => {
        if (method === "PUT" && isVersion(url)) puts.push({ condition: headers["if-none-match"], status });
      },
    );
    await readByEngine([
      "spark",
      proxy.endpoint,
      `s3a://${name}/lake/totals`,
      await sparkJars(),
      statements("insert into {table} (id, load, total, name) values (100, 9, 1.50, 'of Spark')"),
      JSON.stringify(settings),
    ]);
    expect(raced).toBe(true);
    expect(puts).toEqual([{ condition: undefined, status: 200 }]);
  });
});

const isVersion = (url: string | undefined): boolean => /_delta_log\/\d{20}\.json/.test(url ?? "");

/** Passes requests on to a server; `before` is waited for first, `after` sees the answer. */
async function startProxy(
  target: string,
  before: (request: IncomingMessage) => Promise<void>,
  after: (request: IncomingMessage, status: number) => void,
): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    void before(incoming).then(() => {
      const { method, url: path, headers } = incoming;
      const onward = request({ hostname, port, method, path, headers }, (answer) => {
        after(incoming, answer.statusCode!);
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      });
      onward.once("error", () => outgoing.destroy());
      incoming.pipe(onward);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
