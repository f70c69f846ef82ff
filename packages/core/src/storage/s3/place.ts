import type { Bucket } from "./bucket.ts";
import type { S3StoreOptions } from "./options.ts";

/** A store in a bucket, as its parts see it. */
export interface S3Place {
  readonly url: string;
  readonly options: S3StoreOptions;
  /** Fields of requests that say how objects are encrypted. */
  readonly encryption: EncryptionFields;
  /** What is remembered of the server. */
  readonly server: { conditional: boolean };
  readonly bucket: () => Promise<Bucket>;
  /** The key of an object. */
  readonly key: (path: string) => string;
  /** Runs a call, and tells its failure. */
  readonly guard: <Result>(
    doing: string,
    path: string,
    signal: AbortSignal | undefined,
    run: () => Promise<Result>,
  ) => Promise<Result>;
}

/** See `PutObject`: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export interface EncryptionFields {
  readonly ServerSideEncryption?: "AES256" | "aws:kms";
  readonly SSEKMSKeyId?: string;
  readonly BucketKeyEnabled?: boolean;
}

/** The fields of requests for what the options say. */
export function encryptionFields({ encryption }: S3StoreOptions): EncryptionFields {
  if (encryption === undefined) return {};
  if (encryption === "s3") return { ServerSideEncryption: "AES256" };
  const { kmsKey, bucketKey = true } = encryption;
  return {
    ServerSideEncryption: "aws:kms",
    BucketKeyEnabled: bucketKey,
    ...(kmsKey !== undefined && { SSEKMSKeyId: kmsKey }),
  };
}
