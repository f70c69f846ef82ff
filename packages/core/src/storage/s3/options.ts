import type { Credential } from "../../secret.ts";

/** A client of `@aws-sdk/client-s3` (3.600 or later), as far as {@link s3Store} uses it. */
export interface S3ClientLike {
  /** Sends a command of the SDK. */
  send(command: never, options?: never): Promise<unknown>;
}

/** How objects are encrypted at rest: by keys of S3 (`"s3"`: SSE-S3) or of KMS. Without it the bucket's default holds. */
export type S3Encryption =
  | "s3"
  | {
      /** Id or ARN of the key; `undefined`: the account's key for S3. */
      readonly kmsKey?: string;
      /** Fewer calls to KMS by a key of the bucket. @default true */
      readonly bucketKey?: boolean;
    };

/** Keys of an account, where the SDK's own chain (environment, profiles, roles) is not to be asked. */
export interface S3Credentials {
  readonly accessKeyId: Credential;
  readonly secretAccessKey: Credential;
  readonly sessionToken?: Credential;
}

/** Options of {@link s3Store}. */
export interface S3StoreOptions {
  /**
   * A client that is set up already. It stays yours: nobody disposes it. Its retries hold; those of conditional puts are settled either way.
   * @default one that is made from the other options, with the SDK's chain of credentials
   */
  readonly client?: S3ClientLike;
  /** @default the SDK's: `AWS_REGION` or the profile */
  readonly region?: string;
  /** Another server than AWS: MinIO, R2, S3Proxy … @default AWS */
  readonly endpoint?: string;
  /** Buckets in the path instead of the host name. @default true with `endpoint` */
  readonly forcePathStyle?: boolean;
  /** @default the SDK's chain */
  readonly credentials?: S3Credentials;
  /** @default the bucket's */
  readonly encryption?: S3Encryption;
  /** Bytes of a part of an upload, at least 5 MiB. It grows with the object, since an upload has at most 10,000 parts. @default 8 MiB */
  readonly partSize?: number;
  /** Parts of one object that are under way at once. An open writer holds one more. @default 2 */
  readonly partsAtOnce?: number;
  /** Times that a call is tried, with growing and random pauses. @default 6 */
  readonly attempts?: number;
  /** Milliseconds in which a server must answer, or send the next bytes of a body. @default 30_000 */
  readonly timeout?: number;
  /**
   * Whether the server creates objects only if there is none (`If-None-Match: *`), as AWS, MinIO and R2 do. `"probe"`: the first such put is done twice,
   * and a server that takes the second is refused with `ALV_STORE_UNSAFE`. `false`: nothing can be committed there by the
   * store itself (give the lake a `logStore`), and uploads look whether there is an object before they make one.
   * @default "probe"
   */
  readonly conditionalPuts?: boolean | "probe";
}
