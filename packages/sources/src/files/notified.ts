/** An object that a message says was created. It is a hint: the object may be another one by now, or gone. */
export interface NotifiedFile {
  readonly bucket: string;
  readonly key: string;
  readonly size?: number;
  readonly etag?: string;
  readonly versionId?: string;
}

/**
 * The created objects that a message names: an event of S3 itself, the same through SNS, or one of EventBridge. Empty for other events of S3 (what was deleted,
 * the test event of a new configuration); `undefined` for what is none of these.
 *
 * Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
export function notifiedFiles(body: string): readonly NotifiedFile[] | undefined {
  const message = objectOf(parsed(body));
  if (message === undefined) return undefined;
  const { Type, Message, Event, Records, detail } = message;
  if (Type === "Notification" && typeof Message === "string") return notifiedFiles(Message);
  if (Event === "s3:TestEvent") return [];
  if (message["source"] === "aws.s3" && objectOf(detail) !== undefined) {
    if (message["detail-type"] !== "Object Created") return [];
    const { bucket, object } = objectOf(detail)!;
    // Keys are as they are here, and encoded in the events of S3 itself.
    const file = fileOf(textOf(objectOf(bucket)?.["name"]), objectOf(object), "version-id", (key) => key);
    return file && [file];
  }
  if (!Array.isArray(Records)) return undefined;
  const files: NotifiedFile[] = [];
  for (const record of Records.map(objectOf)) {
    const s3 = objectOf(record?.["s3"]);
    if (s3 === undefined) return undefined;
    if (!/^(?:s3:)?ObjectCreated:/.test(textOf(record!["eventName"]) ?? "")) continue;
    const file = fileOf(
      textOf(objectOf(s3["bucket"])?.["name"]),
      objectOf(s3["object"]),
      "versionId",
      decoded,
    );
    if (file === undefined) return undefined;
    files.push(file);
  }
  return files;
}

type Members = Readonly<Record<string, unknown>>;

function fileOf(
  bucket: string | undefined,
  object: Members | undefined,
  version: string,
  decode: (key: string) => string | undefined,
): NotifiedFile | undefined {
  const encoded = textOf(object?.["key"]);
  const key = encoded === undefined ? undefined : decode(encoded);
  if (bucket === undefined || object === undefined || key === undefined) return undefined;
  const size = object["size"];
  const etag = textOf(object["eTag"] ?? object["etag"]);
  const versionId = textOf(object[version]);
  return {
    bucket,
    key,
    ...(typeof size === "number" && { size }),
    ...(etag !== undefined && { etag }),
    ...(versionId !== undefined && { versionId }),
  };
}

function decoded(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
