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
import { expect, inject, test } from "vitest";
import { notifications } from "../../packages/sources/src/files/notifications.ts";

/** Seconds for which messages are hidden. */
const HIDDEN = 5;

test(
  "objects that are put are named by the queue until that is acknowledged",
  { timeout: 60_000 },
  async () => {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
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
    const keys = Array.from({ length: 23 }, (_, i) => `in/part ${i}+ü.csv`);
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: name, Key, Body: "x" }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello" }));

    const receive = () =>
      notifications({ queueUrl: QueueUrl!, hiddenFor: HIDDEN, endpoint: own.endpoint, credentials }).receive({
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
