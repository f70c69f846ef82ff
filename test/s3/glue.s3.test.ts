import { randomBytes } from "node:crypto";
import { CreateDatabaseCommand, GetTableCommand, GlueClient, UpdateTableCommand } from "@aws-sdk/client-glue";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, inject, test } from "vitest";
import { pipeline, resource, source, type RunEvent } from "@alluvium/core";
import { s3Store } from "@alluvium/core/storage/s3";
import { glueCatalog } from "@alluvium/destinations/aws";
import { delta } from "@alluvium/destinations/delta";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };

interface Order {
  readonly id: number;
  readonly country: string;
  readonly total: string;
  readonly tags: readonly { readonly Name: string; readonly at: Date }[];
  readonly Note?: string;
}

async function open(withDatabase = true) {
  const endpoint = inject("s3").ministack;
  const own = { endpoint, credentials, region: "us-east-1" };
  const name = `glue${randomBytes(6).toString("hex")}`;
  await new S3Client({ ...own, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: name }));
  const glue = new GlueClient(own);
  const makeDatabase = (): Promise<unknown> =>
    glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name } }));
  if (withDatabase) await makeDatabase();
  const store = s3Store(`s3://${name}/lake`, { endpoint, credentials });
  const catalog = glueCatalog({ database: name, endpoint, credentials });
  const load = async (rows: readonly Order[]): Promise<readonly RunEvent[]> => {
    const events: RunEvent[] = [];
    const orders = resource({
      name: "Orders",
      disposition: "append",
      naming: "keep",
      partitionBy: ["country"],
      columns: { total: { type: "decimal", precision: 18, scale: 2 } },
      read: async function* () {
        yield rows;
      },
    });
    await pipeline({
      name: "shop",
      source: source("s", () => [orders])(),
      destination: delta({ store, catalog }),
      onEvent: (event) => void events.push(event),
    }).run();
    return events.filter(({ type }) => type === "warning");
  };
  const entry = async (table: string) =>
    (await glue.send(new GetTableCommand({ DatabaseName: name, Name: table }))).Table!;
  return { name, glue, makeDatabase, load, entry };
}

const row = { id: 1, country: "DE", total: "1.50", tags: [{ Name: "a", at: new Date(0) }] };

test("tables are created in Glue after a load, and updated when columns come, with what others wrote kept", async () => {
  const { name, glue, load, entry } = await open();
  expect(await load([row])).toEqual([]);
  const first = await entry("orders");
  expect(first).toMatchObject({
    TableType: "EXTERNAL_TABLE",
    PartitionKeys: [{ Name: "country", Type: "string" }],
    Parameters: {
      EXTERNAL: "TRUE",
      table_type: "DELTA",
      "spark.sql.sources.provider": "delta",
      classification: "delta",
    },
    StorageDescriptor: {
      Location: `s3://${name}/lake/Orders`,
      SerdeInfo: { Parameters: { path: `s3://${name}/lake/Orders` } },
    },
  });
  const columnsOf = (table: typeof first): readonly string[] =>
    table.StorageDescriptor!.Columns!.map(({ Name, Type }) => `${Name} ${Type}`);
  expect(columnsOf(first)).toEqual(
    expect.arrayContaining(["id bigint", "total decimal(18,2)", "_alv_load_id string"]) as string[],
  );
  expect(columnsOf(await entry("_alv_loads")).length).toBeGreaterThan(3);

  const { Columns = [] } = first.StorageDescriptor!;
  await glue.send(
    new UpdateTableCommand({
      DatabaseName: name,
      TableInput: {
        Name: "orders",
        Description: "Our orders",
        TableType: first.TableType!,
        PartitionKeys: first.PartitionKeys!,
        Parameters: { ...first.Parameters, owner: "sales" },
        StorageDescriptor: {
          ...first.StorageDescriptor,
          Columns: Columns.map((column) =>
            column.Name === "id" ? { ...column, Comment: "the key" } : column,
          ),
        },
      },
    }),
  );
  const described = await entry("orders");
  // Nothing new: the entry is left as it is.
  expect(await load([row])).toEqual([]);
  expect((await entry("orders")).VersionId).toBe(described.VersionId);
  expect(await load([{ ...row, Note: "x" }])).toEqual([]);
  const last = await entry("orders");
  expect(columnsOf(last)).toContain("note string");
  expect(last).toMatchObject({ Description: "Our orders", Parameters: { owner: "sales" } });
  expect(last.StorageDescriptor!.Columns!.find(({ Name }) => Name === "id")).toMatchObject({
    Comment: "the key",
  });
});

test("a failure is a warning of a load that stands, and the next load makes up for it", async () => {
  const { makeDatabase, load, entry } = await open(false);
  const warnings = await load([row]);
  expect(warnings).toContainEqual(
    expect.objectContaining({
      table: "Orders",
      code: "ALV_CONFIG",
      message: expect.stringMatching(/create-database/) as string,
    }),
  );
  await makeDatabase();
  expect(await load([row])).toEqual([]);
  expect((await entry("orders")).Parameters!["table_type"]).toBe("DELTA");
});

test("an entry of another place is not touched", async () => {
  const one = await open();
  await one.load([row]);
  const { StorageDescriptor, PartitionKeys, Parameters } = await one.entry("orders");
  await one.glue.send(
    new UpdateTableCommand({
      DatabaseName: one.name,
      TableInput: {
        Name: "orders",
        PartitionKeys: PartitionKeys!,
        Parameters: Parameters!,
        StorageDescriptor: { ...StorageDescriptor, Location: "s3://others/orders" },
      },
    }),
  );
  expect(await one.load([{ ...row, Note: "x" }])).toContainEqual(
    expect.objectContaining({ table: "Orders", code: "ALV_TABLE_FOREIGN" }),
  );
  expect((await one.entry("orders")).StorageDescriptor!.Location).toBe("s3://others/orders");
});
