import type { AwsClientLike } from "@alluvium/core/aws";

interface Message {
  readonly body: string;
  hidden: boolean;
}

interface Call {
  readonly constructor: { readonly name: string };
  readonly input: {
    readonly MaxNumberOfMessages: number;
    readonly Entries: readonly { readonly ReceiptHandle: string }[];
  };
}

/** A queue of SQS in memory. Messages that were received are hidden until they come `back`. `before`: runs before a call has its effect. */
export function fakeQueue(before: (operation: string) => void = () => undefined) {
  const messages = new Map<string, Message>();
  const calls: string[] = [];
  let sent = 0;
  const client: AwsClientLike = {
    async send(command) {
      await Promise.resolve();
      const { constructor, input } = command as Call;
      const operation = constructor.name.replace(/Command$/, "");
      calls.push(operation);
      before(operation);
      if (operation === "DeleteMessageBatch") {
        for (const { ReceiptHandle } of input.Entries) messages.delete(ReceiptHandle);
        return {};
      }
      const seen = [...messages].filter(([, { hidden }]) => !hidden).slice(0, input.MaxNumberOfMessages);
      for (const [, message] of seen) message.hidden = true;
      return {
        Messages: seen.map(([id, { body }]) => ({ MessageId: id, ReceiptHandle: id, Body: body })),
      };
    },
  };
  const send = (body: string): void => void messages.set(String(++sent), { body, hidden: false });
  return {
    calls,
    options: { queueUrl: "https://sqs.eu-central-1.amazonaws.com/1/files", client },
    send,
    /** Sends an event of S3. */
    put: (key: string, bucket = "shop") => {
      const s3 = { bucket: { name: bucket }, object: { key: encodeURIComponent(key) } };
      send(JSON.stringify({ Records: [{ eventName: "ObjectCreated:Put", s3 }] }));
    },
    back: () => messages.forEach((message) => (message.hidden = false)),
    /** What is there, hidden or not. */
    left: () => [...messages.values()].map(({ body }) => body),
  };
}
