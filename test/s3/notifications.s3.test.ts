import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { pipeline } from "@alluvium/core";
import { s3Store } from "@alluvium/core/storage/s3";
import { faultStore, memoryDestination } from "@alluvium/core/testing";
import { files } from "@alluvium/sources/files";
import { expect, inject, test } from "vitest";
import { lines } from "../../packages/sources/test/files/lines.ts";
import { notifications } from "../../packages/sources/src/files/notifications.ts";

/** Seconds for which messages are hidden. */
const HIDDEN = 5;

const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** A new bucket that sends its events to a new queue. */
async function notifyingBucket() {
  const own = { endpoint: inject("s3").ministack, credentials, region: "us-east-1" };
  const name = `notify-${randomBytes(6).toString("hex")}`;
  const s3 = new S3Client({ ...own, forcePathStyle: true });
  const sqs = new SQSClient(own);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: name,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: Attributes!["QueueArn"]!, Events: ["s3:ObjectCreated:*"] }],
      },
    }),
  );
  const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket: name, Key, Body }));
  return { name, sqs, queueUrl: QueueUrl!, endpoint: own.endpoint, put };
}

test(
  "objects that are put are named by the queue until that is acknowledged",
  { timeout: 60_000 },
  async () => {
    const { name, sqs, queueUrl: QueueUrl, endpoint, put } = await notifyingBucket();
    const keys = Array.from({ length: 23 }, (_, i) => `in/part ${i}+ü.csv`);
    for (const key of keys) await put(key, "x");
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello" }));

    const receive = () =>
      notifications({ queueUrl: QueueUrl, hiddenFor: HIDDEN, endpoint, credentials }).receive({
        signal: new AbortController().signal,
      });
    const back = (): Promise<void> => sleep(HIDDEN * 1000 + 500);
    const first = await receive();
    expect(first.files.map(({ bucket, key }) => `${bucket}/${key}`).toSorted()).toEqual(
      keys.map((key) => `${name}/${key}`).toSorted(),
    );
    expect(first.unknown).toBe(1);
    // Not acknowledged: they come back.
    await back();
    const second = await receive();
    expect(second.files.length).toBe(keys.length);
    await second.acknowledge();
    await back();
    const third = await receive();
    expect([third.files, third.unknown]).toEqual([[], 1]);
  },
);

test("files of a bucket are loaded as its queue names them, and the messages go", async () => {
  const { name, sqs, queueUrl, endpoint, put } = await notifyingBucket();
  const store = faultStore(s3Store(`s3://${name}/landing`, { endpoint, credentials }));
  const source = files({
    store,
    notifications: { queueUrl, endpoint, credentials },
    tables: { words: { files: "in/**", format: lines() } },
  });
  const destination = memoryDestination();
  const load = pipeline({ name: "p", source, destination });
  const lists = (): number => store.steps.filter(({ call }) => call === "list").length;
  await put("landing/in/a", "a\n");
  await load.run();
  expect(lists()).toBe(1);
  const names = ["b", "d e+ü", "c/%20"];
  for (const one of names) await put(`landing/in/${one}`, `${one}\n`);
  await put("elsewhere/in/x", "x\n");
  await load.run();
  expect(lists()).toBe(1);
  const texts = destination.store.rows("words").map(({ text }) => text);
  expect(texts).toEqual(["a", "b", "c/%20", "d e+ü"]);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  expect(Attributes).toEqual({
    ApproximateNumberOfMessages: "0",
    ApproximateNumberOfMessagesNotVisible: "0",
  });
});
