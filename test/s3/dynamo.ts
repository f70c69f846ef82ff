import type { AwsClientLike } from "@alluvium/core/aws";

/** An item: its attributes as DynamoDB has them. */
export type DynamoItem = Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;

/** A call as faults see it. */
export interface DynamoCall {
  /** From 0. */
  readonly index: number;
  /** `GetItem`, `PutItem`, `Query`, `DeleteItem`. */
  readonly operation: string;
  readonly item: DynamoItem | undefined;
}

/**
 * What goes wrong with a call: `refused` before anything is done; `lost`: it is done, the answer is lost, and the SDK tries again; `broken`: it is done, and
 * the caller only learns that the connection broke.
 */
export type DynamoFault = "refused" | "lost" | "broken";

export interface DynamoTable extends AwsClientLike {
  /** Its items, by `tablePath` and `fileName` with a blank between. */
  readonly items: Map<string, DynamoItem>;
  readonly calls: readonly DynamoCall[];
}

interface Input {
  readonly TableName: string;
  readonly Key?: DynamoItem;
  readonly Item?: DynamoItem;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeValues?: DynamoItem;
}

/**
 * One table of DynamoDB in memory, as far as a log store uses it, with faults on demand. That it does as DynamoDB does is what the tests on MiniStack are for.
 */
export function dynamoTable(
  name: string,
  faults: (call: DynamoCall) => DynamoFault | undefined | Promise<DynamoFault | undefined> = () => undefined,
): DynamoTable {
  const items = new Map<string, DynamoItem>();
  const calls: DynamoCall[] = [];
  const keyOf = (item: DynamoItem): string => `${item["tablePath"]!.S} ${item["fileName"]!.S}`;

  function run(operation: string, input: Input): object {
    if (input.TableName !== name) throw failure("ResourceNotFoundException");
    const values = input.ExpressionAttributeValues ?? {};
    const check = (key: string): void => {
      if (!holds(input.ConditionExpression, items.get(key), values))
        throw failure("ConditionalCheckFailedException");
    };
    switch (operation) {
      case "GetItem": {
        const found = items.get(keyOf(input.Key!));
        return found === undefined ? {} : { Item: found };
      }
      case "Query": {
        const path = values[":path"]!.S!;
        const keys = [...items.keys()].filter((key) => key.startsWith(`${path} `)).toSorted();
        return { Items: keys.slice(-1).map((key) => items.get(key)!) };
      }
      case "PutItem": {
        const key = keyOf(input.Item!);
        check(key);
        items.set(key, input.Item!);
        return {};
      }
      case "DeleteItem": {
        const key = keyOf(input.Key!);
        check(key);
        items.delete(key);
        return {};
      }
      default:
        throw new Error(`${operation} is not implemented`);
    }
  }

  return {
    items,
    calls,
    async send(command) {
      const { constructor, input } = command as {
        readonly constructor: { readonly name: string };
        readonly input: Input;
      };
      const operation = constructor.name.replace(/Command$/, "");
      const call = { index: calls.length, operation, item: input.Item ?? input.Key };
      calls.push(call);
      const fault = await faults(call);
      if (fault === "refused") throw failure("ThrottlingException", 400);
      const done = run(operation, input);
      if (fault === "broken") throw failure("TimeoutError");
      return fault === "lost" ? run(operation, input) : done;
    },
  };
}

/** The forms of conditions that log stores use: Delta's own is the first. */
function holds(condition: string | undefined, item: DynamoItem | undefined, values: DynamoItem): boolean {
  return (condition ?? "").split(" AND ").every((part) => {
    if (part === "") return true;
    if (part === "attribute_not_exists(fileName)") return item === undefined;
    const [, name, value] = /^(\w+) = (:\w+)$/.exec(part)!;
    return item?.[name!]?.S === values[value!]!.S;
  });
}

function failure(name: string, status = 400): Error {
  return Object.assign(new Error(`${name} of the test`), {
    name,
    $metadata: { httpStatusCode: status, attempts: 1 },
  });
}
