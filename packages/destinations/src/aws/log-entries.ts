import type * as Sdk from "@aws-sdk/client-dynamodb";
import { AlluviumError } from "@alluvium/core";
import { awsConfig, awsError, isAwsError, type AwsClientLike, type AwsOptions } from "@alluvium/core/aws";

/** An item: a commit that is won, and whether its file has been put in place. */
export interface LogEntry {
  readonly tablePath: string;
  readonly fileName: string;
  /** Relative to the folder of the log. */
  readonly tempPath: string;
  readonly complete: boolean;
}

/** The items of commits in a table of DynamoDB. */
export interface LogEntries {
  get(tablePath: string, fileName: string): Promise<LogEntry | undefined>;
  /** The one with the greatest file name. */
  latest(tablePath: string): Promise<LogEntry | undefined>;
  /** Creates an incomplete item only if there is none. `false`: there is one, perhaps of an earlier try whose answer was lost. */
  begin(entry: LogEntry): Promise<boolean>;
  /** Marks an item complete, and says from when it may go. Does nothing where it is gone or another commit's. */
  complete(entry: LogEntry): Promise<void>;
  /** Removes an item that is still incomplete. */
  withdraw(entry: LogEntry): Promise<void>;
}

/** An item as DynamoDB has it. */
type Item = Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;

/** Names, types and values are those of Delta's own store: https://docs.delta.io/latest/delta-storage.html and its `S3DynamoDBLogStore`. */
export function logEntries(table: string, expireAfter: number, options: AwsOptions): LogEntries {
  let opened: Promise<Opened> | undefined;
  const open = (): Promise<Opened> =>
    (opened ??= openClient(options).catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));

  async function call<Result>(doing: string, make: (sdk: Opened["sdk"]) => object): Promise<Result> {
    const { sdk, client } = await open();
    try {
      return (await client.send(make(sdk) as never)) as Result;
    } catch (error) {
      if (isAwsError(error, "ResourceNotFoundException")) throw missingTable(table, error);
      throw awsError(error, `${doing} the table ${table} of DynamoDB`);
    }
  }

  const key = ({ tablePath, fileName }: Pick<LogEntry, "tablePath" | "fileName">): Item => ({
    tablePath: { S: tablePath },
    fileName: { S: fileName },
  });
  const item = (entry: LogEntry): Item => ({
    ...key(entry),
    tempPath: { S: entry.tempPath },
    complete: { S: String(entry.complete) },
  });

  return {
    async get(tablePath, fileName) {
      const { Item: found } = await call<{ readonly Item?: Item }>(
        "read",
        ({ GetItemCommand }) =>
          new GetItemCommand({
            TableName: table,
            Key: key({ tablePath, fileName }) as never,
            ConsistentRead: true,
          }),
      );
      return found && entryOf(found, table);
    },
    async latest(tablePath) {
      const { Items: found = [] } = await call<{ readonly Items?: readonly Item[] }>(
        "read",
        ({ QueryCommand }) =>
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: "tablePath = :path",
            ExpressionAttributeValues: { ":path": { S: tablePath } },
            ConsistentRead: true,
            ScanIndexForward: false,
            Limit: 1,
          }),
      );
      return found[0] && entryOf(found[0], table);
    },
    async begin(entry) {
      const { sdk, client } = await open();
      const command = new sdk.PutItemCommand({
        TableName: table,
        Item: item(entry) as never,
        ConditionExpression: "attribute_not_exists(fileName)",
      });
      try {
        await client.send(command as never);
        return true;
      } catch (error) {
        if (isAwsError(error, "ConditionalCheckFailedException")) return false;
        if (isAwsError(error, "ResourceNotFoundException")) throw missingTable(table, error);
        const told = awsError(error, `commit through the table ${table} of DynamoDB`);
        const { attempts = 1 } =
          (error as { readonly $metadata?: { readonly attempts?: number } }).$metadata ?? {};
        // An earlier try may have done it: a refusal of a later one says nothing.
        if (AlluviumError.is(told) && attempts > 1 && !told.retryable) throw unsettled(entry.fileName, told);
        throw told;
      }
    },
    async complete(entry) {
      const expireTime = Math.floor(Date.now() / 1000) + expireAfter;
      try {
        await call(
          "write to",
          ({ PutItemCommand }) =>
            new PutItemCommand({
              TableName: table,
              Item: { ...item({ ...entry, complete: true }), expireTime: { N: String(expireTime) } } as never,
              ConditionExpression: "tempPath = :temp",
              ExpressionAttributeValues: { ":temp": { S: entry.tempPath } },
            }),
        );
      } catch (error) {
        if (!isAwsError((error as Error).cause, "ConditionalCheckFailedException")) throw error;
      }
    },
    async withdraw(entry) {
      try {
        await call(
          "write to",
          ({ DeleteItemCommand }) =>
            new DeleteItemCommand({
              TableName: table,
              Key: key(entry) as never,
              ConditionExpression: "tempPath = :temp AND complete = :no",
              ExpressionAttributeValues: { ":temp": { S: entry.tempPath }, ":no": { S: "false" } },
            }),
        );
      } catch (error) {
        if (!isAwsError((error as Error).cause, "ConditionalCheckFailedException")) throw error;
      }
    },
  };
}

interface Opened {
  readonly sdk: typeof Sdk;
  readonly client: AwsClientLike;
}

async function openClient(options: AwsOptions): Promise<Opened> {
  let sdk: Opened["sdk"];
  try {
    sdk = await import("@aws-sdk/client-dynamodb");
  } catch (cause) {
    throw new AlluviumError(
      "ALV_MISSING_PACKAGE",
      "dynamoDbLogStore needs the package @aws-sdk/client-dynamodb, which is not installed: npm install @aws-sdk/client-dynamodb",
      { cause },
    );
  }
  const client =
    options.client ??
    (new sdk.DynamoDBClient({ ...awsConfig(options, "dynamoDbLogStore") }) as unknown as AwsClientLike);
  return { sdk, client };
}

function entryOf(item: Item, table: string): LogEntry {
  const text = (name: string): string => {
    const value = item[name]?.S;
    if (value !== undefined) return value;
    throw new AlluviumError(
      "ALV_STORE_FAILED",
      `an item of the table ${table} of DynamoDB has no text ${name}: it is not of a log store of Delta`,
      { retryable: false },
    );
  };
  return {
    tablePath: text("tablePath"),
    fileName: text("fileName"),
    tempPath: text("tempPath"),
    complete: text("complete") === "true",
  };
}

/** A commit whose outcome is open: whoever asks has to read it back. */
export function unsettled(path: string, cause: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_FAILED",
    `it is open whether ${path} is committed: ${(cause as Error).message}`,
    {
      cause,
      retryable: true,
    },
  );
}

function missingTable(table: string, cause: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_FAILED",
    `there is no table ${table} in DynamoDB: check its name and the region, or make it with the hash key tablePath (S) and the range key fileName (S): aws dynamodb create-table --table-name ${table} --attribute-definitions AttributeName=tablePath,AttributeType=S AttributeName=fileName,AttributeType=S --key-schema AttributeName=tablePath,KeyType=HASH AttributeName=fileName,KeyType=RANGE --billing-mode PAY_PER_REQUEST`,
    { cause, retryable: false },
  );
}
