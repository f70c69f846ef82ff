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

test(
  "16 writers commit through MiniStack's DynamoDB: versions without a gap, every row once, every item complete",
  { timeout: 300_000 },
  async () => {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
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
    const writer = (number: number, pages: number): Pipeline =>
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
      });
    const numbers = Array.from({ length: 16 }, (_, number) => number);
    await Promise.all(numbers.map((number) => writer(number, 1).run({ commitInterval: 0 })));

    const over = logStore.over(store);
    const found: string[] = [];
    for await (const batch of deltaTable({ store: over, path: "shared" }).scan())
      for (const { writer: number, page } of rowsOf(batch)) found.push([number, page].join(" "));
    const wanted = numbers.flatMap((number) => [`${number} 0`]);
    expect(found.toSorted()).toEqual(wanted.toSorted());
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
  },
);
