import { randomBytes } from "node:crypto";
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

    const receive = async (hiddenFor: number) =>
      notifications({ queueUrl: QueueUrl!, hiddenFor, endpoint: own.endpoint, credentials }).receive({
        signal: new AbortController().signal,
      });
    const first = await receive(1);
    expect(first.files.map(({ bucket, key }) => `${bucket}/${key}`).toSorted()).toEqual(
      keys.map((key) => `${name}/${key}`).toSorted(),
    );
    expect(first.unknown).toBe(1);
    // Not acknowledged: they come back.
    await expect.poll(async () => (await receive(1)).files.length, { timeout: 20_000 }).toBe(keys.length);
    let last = await receive(30);
    while (last.files.length < keys.length) last = await receive(30);
    await last.acknowledge();
    const count = async (): Promise<string | undefined> => {
      const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
      const { Attributes: found = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }),
      );
      return names
        .map((each) => Number(found[each] ?? 0))
        .reduce((a, b) => a + b, 0)
        .toString();
    };
    expect(await count()).toBe("1");
  },
);
