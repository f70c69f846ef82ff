import { AlluviumError } from "@alluvium/core";
import type { AwsOptions } from "@alluvium/core/aws";
import type { LogStore } from "../delta/log-store.ts";
import { exclusiveStore } from "./exclusive-store.ts";
import { logEntries } from "./log-entries.ts";

/** Which table of DynamoDB, and how it is reached. `client` is one of `@aws-sdk/client-dynamodb`. */
export interface DynamoDbLogStoreOptions extends AwsOptions {
  /** Name of the table. All writers and readers of a lake must use the same one, in the same region. @default "delta_log" */
  readonly table?: string;
  /** The scheme by which the other writers call the lake: items are found by its address, to the letter. @default "s3a" */
  readonly scheme?: "s3" | "s3a" | "s3n";
  /** Seconds after which the item of a finished commit may be deleted (by the table's own time to live on `expireTime`). @default 86_400 */
  readonly expireAfter?: number;
}

/**
 * Commits of a lake on a store that has no conditional puts (old MinIO, Ceph, other servers of the S3 protocol), made exclusive by items in a table of
 * DynamoDB. It is the protocol of Delta's own `S3DynamoDBLogStore`, item for item, so that Spark with that log store may write and read the same tables;
 * manifests of pipelines have items of the same form. Needs the package `@aws-sdk/client-dynamodb`.
 *
 * The table has the hash key `tablePath` and the range key `fileName`, both texts; it is not created. Give it a time to live on `expireTime`, and the bucket
 * a rule that expires what is below `_delta_log/.tmp/` of the tables after 30 days.
 *
 * - Everybody has to use it, readers as well: whoever finds a commit that was left in the middle finishes it.
 * - `ALV_STORE_UNSAFE`: the items of a table are kept under another `scheme`.
 *
 * Permissions: `dynamodb:GetItem`, `dynamodb:PutItem`, `dynamodb:Query`, `dynamodb:DeleteItem` on the table.
 *
 * @throws `ALV_CONFIG` for options that are wrong.
 *
 * @example
 * ```ts
 * import { dynamoDbLogStore } from "@alluvium/destinations/aws";
 * import { delta } from "@alluvium/destinations/delta";
 *
 * const logStore = dynamoDbLogStore({ table: "delta_log", region: "eu-central-1" });
 * const lake = pipeline({ name: "shop", source: shop, destination: delta({ url: "s3://my-lake/bronze", logStore }) });
 * ```
 */
export function dynamoDbLogStore(options: DynamoDbLogStoreOptions = {}): LogStore {
  const { table = "delta_log", scheme = "s3a", expireAfter = 86_400 } = options;
  if (typeof table !== "string" || !/^[a-zA-Z0-9_.-]{3,255}$/.test(table))
    throw new AlluviumError(
      "ALV_CONFIG",
      `dynamoDbLogStore: table is ${JSON.stringify(table)}, but must be the name of a table of DynamoDB`,
    );
  if (!["s3", "s3a", "s3n"].includes(scheme))
    throw new AlluviumError(
      "ALV_CONFIG",
      `dynamoDbLogStore: scheme is ${JSON.stringify(scheme)}, but must be "s3", "s3a" or "s3n"`,
    );
  if (!(Number.isSafeInteger(expireAfter) && expireAfter >= 3600))
    throw new AlluviumError(
      "ALV_CONFIG",
      `dynamoDbLogStore: expireAfter is ${expireAfter}, but must be a whole number of seconds from 3600: a writer that sleeps longer than that could take a version twice`,
    );
  const entries = logEntries(table, expireAfter, options);
  return { over: (store) => exclusiveStore(store, entries, scheme) };
}
