import type * as Sdk from "@aws-sdk/client-sqs";
import { AlluviumError } from "@alluvium/core";
import { awsConfig, awsError, type AwsClientLike, type AwsOptions } from "@alluvium/core/aws";
import { notifiedFiles, type NotifiedFile } from "./notified.ts";

/** Which queue, and how it is read. `client` is one of `@aws-sdk/client-sqs`. */
export interface NotificationsOptions extends AwsOptions {
  /** The queue that the bucket, a topic or EventBridge sends its events to. */
  readonly queueUrl: string;
  /** Messages that are taken at once, at most. @default 1000 */
  readonly limit?: number;
  /** Seconds for which nobody else sees a message that was taken. It must be longer than a run; one that comes back early is read twice. @default 900 */
  readonly hiddenFor?: number;
}

/** What a queue said. */
export interface Notified {
  /** The created objects that messages name, each once. */
  readonly files: readonly NotifiedFile[];
  /** Messages that are no events of S3. They stay, and go where the queue's redrive policy sends them. */
  readonly unknown: number;
  /** Deletes the messages but those that name a file for which `keep` holds. To be called once what they led to is committed; without it they come back. */
  acknowledge(options?: {
    readonly signal?: AbortSignal;
    readonly keep?: (file: NotifiedFile) => boolean;
  }): Promise<void>;
}

/** Messages that one request takes or deletes. */
const AT_ONCE = 10;

/** Reads what a queue of SQS says of new objects of a bucket: a hint that spares listings, never the truth. It needs the package `@aws-sdk/client-sqs`. */
export function notifications(options: NotificationsOptions): {
  receive(call: { readonly signal: AbortSignal }): Promise<Notified>;
} {
  const { queueUrl, limit = 1000, hiddenFor = 900 } = options;
  if (typeof queueUrl !== "string" || !URL.canParse(queueUrl))
    throw new AlluviumError(
      "ALV_CONFIG",
      `files: queueUrl is ${JSON.stringify(queueUrl)}, but must be the URL of a queue`,
    );
  let opened: Promise<Opened> | undefined;

  async function call<Result>(
    doing: string,
    make: (sdk: typeof Sdk) => object,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const { sdk, client } = await (opened ??= openClient(options));
    try {
      return (await client.send(make(sdk) as never, { abortSignal: signal } as never)) as Result;
    } catch (error) {
      signal?.throwIfAborted();
      throw awsError(error, `${doing} the queue ${queueUrl}`);
    }
  }

  return {
    async receive({ signal }) {
      const files = new Map<string, NotifiedFile>();
      const receipts = new Map<
        string,
        { readonly handle: string; readonly named: readonly NotifiedFile[] }
      >();
      const seen = new Set<string>();
      let unknown = 0;
      for (let taken = 0; taken < limit;) {
        signal.throwIfAborted();
        const { Messages = [] } = await call<Sdk.ReceiveMessageCommandOutput>(
          "read",
          ({ ReceiveMessageCommand }) =>
            new ReceiveMessageCommand({
              QueueUrl: queueUrl,
              MaxNumberOfMessages: Math.min(AT_ONCE, limit - taken),
              VisibilityTimeout: hiddenFor,
              // A short wait asks all servers of the queue; none asks some.
              WaitTimeSeconds: 1,
            }),
          signal,
        );
        if (Messages.length === 0) break;
        taken += Messages.length;
        // One that comes back while others are still taken was not hidden for long enough, and the last receipt counts.
        const isAgain = Messages.every(({ MessageId }) => seen.has(MessageId!));
        for (const { Body = "", MessageId, ReceiptHandle } of Messages) {
          const named = notifiedFiles(Body);
          if (named !== undefined) receipts.set(MessageId!, { handle: ReceiptHandle!, named });
          else if (!seen.has(MessageId!)) unknown += 1;
          seen.add(MessageId!);
          // The last word counts.
          for (const file of named ?? []) files.set(`${file.bucket}/${file.key}`, file);
        }
        if (isAgain) break;
      }
      return {
        files: [...files.values()],
        unknown,
        async acknowledge({ signal: end, keep = () => false } = {}) {
          const left = [...receipts].filter(([, { named }]) => !named.some(keep));
          while (left.length > 0) {
            const some = left.splice(0, AT_ONCE);
            const { Failed = [] } = await call<Sdk.DeleteMessageBatchCommandOutput>(
              "delete messages of",
              ({ DeleteMessageBatchCommand }) =>
                new DeleteMessageBatchCommand({
                  QueueUrl: queueUrl,
                  Entries: some.map(([, { handle }], i) => ({ Id: String(i), ReceiptHandle: handle })),
                }),
              end,
            );
            for (const [message] of some) receipts.delete(message);
            if (Failed.length > 0)
              throw new AlluviumError(
                "ALV_CONNECTION",
                `${Failed.length} messages of the queue ${queueUrl} could not be deleted (${Failed[0]!.Code}): they come back, and name files that are loaded already`,
                { step: "acknowledge" },
              );
          }
        },
      };
    },
  };
}

interface Opened {
  readonly sdk: typeof Sdk;
  readonly client: AwsClientLike;
}

async function openClient(options: AwsOptions): Promise<Opened> {
  let sdk: typeof Sdk;
  try {
    sdk = await import("@aws-sdk/client-sqs");
  } catch (cause) {
    throw new AlluviumError(
      "ALV_MISSING_PACKAGE",
      "notifications of files need the package @aws-sdk/client-sqs, which is not installed: npm install @aws-sdk/client-sqs",
      { cause },
    );
  }
  const client =
    options.client ?? (new sdk.SQSClient({ ...awsConfig(options, "files") }) as unknown as AwsClientLike);
  return { sdk, client };
}
