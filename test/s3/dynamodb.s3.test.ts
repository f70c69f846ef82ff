import { randomBytes } from "node:crypto";
import { CreateTableCommand, DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, inject, test } from "vitest";
import { pipeline, resource, source, type Pipeline } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { s3Store } from "@alluvium/core/storage/s3";
import { dynamoDbLogStore } from "@alluvium/destinations/aws";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { readPages } from "../crash/stopped.ts";
import { readByEngine, sparkJars } from "./engines.ts";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** A bucket and a table of DynamoDB beside it. */
async function place() {
  const endpoint = inject("s3").ministack;
  const own = { endpoint, credentials, region: "us-east-1" };
  const name = randomBytes(6).toString("hex");
  await new S3Client({ ...own, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: name }));
  const dynamo = new DynamoDBClient(own);
  await dynamo.send(
    new CreateTableCommand({
      TableName: name,
      AttributeDefinitions: [
        { AttributeName: "tablePath", AttributeType: "S" },
        { AttributeName: "fileName", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "tablePath", KeyType: "HASH" },
        { AttributeName: "fileName", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  const store = s3Store(`s3://${name}/lake`, { endpoint, credentials, conditionalPuts: false });
  const logStore = dynamoDbLogStore({ table: name, endpoint, credentials });
  const over = logStore.over(store);

  return {
    endpoint,
    name,
    writer: (number: number, pages: number): Pipeline =>
      pipeline({
        name: `w${number}`,
        source: source("s", () => [
          resource({
            name: "shared",
            disposition: "append",
            read: readPages(Array.from({ length: pages }, (_, page) => [{ writer: number, page }])),
          }),
        ])(),
        destination: delta({ store, logStore }),
        shared: true,
      }),
    /** The rows that are there, as `writer page`. */
    rows: async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const batch of deltaTable({ store: over, path: "shared" }).scan())
        for (const { writer: number, page } of rowsOf(batch)) found.push([number, page].join(" "));
      return found.toSorted();
    },
    /** Versions have no gap, and each has a complete item that expires. Resolves with how many there are. */
    checkVersions: async (): Promise<number> => {
      const paths = await Array.fromAsync(over.list("shared/_delta_log/"), ({ path }) => path);
      const versions = paths.flatMap((path) => /\/(\d{20})\.json$/.exec(path)?.[1] ?? []).map(Number);
      expect(versions).toEqual(versions.map((_, i) => i));
      const { Items = [] } = await dynamo.send(
        new ScanCommand({
          TableName: name,
          FilterExpression: "tablePath = :path",
          ExpressionAttributeValues: { ":path": { S: `s3a://${name}/lake/shared` } },
        }),
      );
      expect(Items.length).toBe(versions.length);
      expect(new Set(Items.map(({ complete }) => complete!.S))).toEqual(new Set(["true"]));
      expect(Items.every(({ expireTime }) => Number(expireTime!.N) > Date.now() / 1000)).toBe(true);
      return versions.length;
    },
  };
}

test(
  "16 writers commit through MiniStack's DynamoDB: versions without a gap, every row once, every item complete",
  { timeout: 300_000 },
  async () => {
    const { writer, rows, checkVersions } = await place();
    const numbers = Array.from({ length: 16 }, (_, number) => number);
    await Promise.all(numbers.map((number) => writer(number, 1).run({ commitInterval: 0 })));
    expect(await rows()).toEqual(numbers.map((number) => `${number} 0`).toSorted());
    await checkVersions();
  },
);

// The class path of Delta's own store, https://github.com/delta-io/delta/tree/v4.4.0/storage-s3-dynamodb, and of aws-java-sdk-dynamodb 1.12.262. What is published
// knows the endpoints of AWS alone: its client has to be built so that it takes DDB_ENDPOINT.
const sparkStore = process.env["ALLUVIUM_SPARK_LOG_STORE"];

test.runIf(sparkStore !== undefined)(
  "Spark commits through Delta's own log store while we do: versions without a gap, every row once",
  { timeout: 900_000 },
  async () => {
    const { endpoint, name, writer, rows, checkVersions } = await place();
    await writer(0, 1).run();
    const inserts = Array.from(
      { length: 25 },
      (_, page) => `insert into {table} (writer, page) values (100, ${page})`,
    );
    const wanted = ["0 0", ...inserts.map((_, page) => `100 ${page}`)];
    let running = true;
    const engine = readByEngine(
      [
        "spark",
        endpoint,
        `s3a://${name}/lake/shared`,
        `${sparkStore!}:${await sparkJars()}`,
        JSON.stringify([...inserts, "select writer, page from {table}"]),
        JSON.stringify({
          "spark.delta.logStore.s3a.impl": "io.delta.storage.S3DynamoDBLogStore",
          "spark.io.delta.storage.S3DynamoDBLogStore.ddb.tableName": name,
          "spark.io.delta.storage.S3DynamoDBLogStore.ddb.region": "us-east-1",
        }),
      ],
      { DDB_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    ).finally(() => (running = false));
    const load = async (): Promise<void> => {
      for (let number = 1; running; number++) {
        await writer(number, 1).run();
        wanted.push(`${number} 0`);
      }
    };
    const [seen] = await Promise.all([engine, load()]);
    expect(seen.length).toBeGreaterThanOrEqual(inserts.length + 1);
    expect(await rows()).toEqual(wanted.toSorted());
    expect(await checkVersions()).toBeGreaterThanOrEqual(wanted.length);
  },
);
