import type { TableInput } from "@aws-sdk/client-glue";
import type { CatalogColumn, CatalogTable } from "../delta/catalog.ts";

/** An entry as Glue gives it, as far as it is used. */
export interface GlueTable extends Partial<TableInput> {
  readonly VersionId?: string;
}

type GlueColumn = NonNullable<NonNullable<TableInput["StorageDescriptor"]>["Columns"]>[number];

const ID = "alluvium.tableId";
const VERSION = "alluvium.version";

/**
 * What an entry says of a native Delta table: `table_type` and `spark.sql.sources.provider` make Athena (engine 3) and Spark read the log at the location, `path`
 * of the serializer is where Spark looks. The formats are those that AWS's own crawler gives such tables: nobody reads by them.
 *
 * Sources: https://docs.aws.amazon.com/athena/latest/ug/delta-lake-tables.html,
 * https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html,
 * https://aws.amazon.com/blogs/big-data/introducing-native-delta-lake-table-support-with-aws-glue-crawlers/
 */
export function inputOf(name: string, table: CatalogTable, found: GlueTable | undefined): TableInput {
  const { location, partitionColumns } = table;
  const comments = new Map(
    columnsOf(found).flatMap(({ Name, Comment }) =>
      Comment === undefined ? [] : [[Name, Comment] as const],
    ),
  );
  const column = ({ name: text, type }: CatalogColumn): GlueColumn => {
    const Name = text.toLowerCase();
    const Comment = comments.get(Name);
    return { Name, Type: type, ...(Comment !== undefined && { Comment }) };
  };
  const isPartition = (one: CatalogColumn): boolean => partitionColumns.includes(one.name);
  const storage = found?.StorageDescriptor;
  return {
    ...(found?.Description !== undefined && { Description: found.Description }),
    ...(found?.Owner !== undefined && { Owner: found.Owner }),
    ...(found?.Retention !== undefined && { Retention: found.Retention }),
    Name: name,
    TableType: "EXTERNAL_TABLE",
    PartitionKeys: partitionColumns.map((key) => column(table.columns.find((one) => one.name === key)!)),
    Parameters: {
      ...found?.Parameters,
      EXTERNAL: "TRUE",
      classification: "delta",
      table_type: "DELTA",
      "spark.sql.sources.provider": "delta",
      [ID]: table.id,
      [VERSION]: String(table.version),
    },
    StorageDescriptor: {
      Columns: table.columns.filter((one) => !isPartition(one)).map(column),
      Location: location,
      InputFormat: "org.apache.hadoop.mapred.SequenceFileInputFormat",
      OutputFormat: "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
      SerdeInfo: {
        SerializationLibrary: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        Parameters: { ...storage?.SerdeInfo?.Parameters, "serialization.format": "1", path: location },
      },
    },
  };
}

/** Whether an entry says what there is to say, or was written for a later version of the same table. */
export function isCurrent(found: GlueTable, table: CatalogTable): boolean {
  const { Parameters = {}, PartitionKeys = [] } = found;
  if (Parameters[ID] !== table.id) return false;
  if (Number(Parameters[VERSION]) > table.version) return true;
  const wanted = inputOf("", table, found);
  const text = (columns: readonly GlueColumn[]): string =>
    JSON.stringify(columns.map(({ Name, Type }) => [Name, Type]));
  return (
    text(columnsOf(found)) === text(columnsOf(wanted)) &&
    PartitionKeys.length === wanted.PartitionKeys!.length &&
    found.StorageDescriptor?.SerdeInfo?.Parameters?.["path"] === table.location &&
    Object.entries(wanted.Parameters!).every(([key, value]) => key === VERSION || Parameters[key] === value)
  );
}

function columnsOf(table: GlueTable | undefined): readonly GlueColumn[] {
  return [...(table?.StorageDescriptor?.Columns ?? []), ...(table?.PartitionKeys ?? [])];
}
