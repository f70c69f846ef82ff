import type * as Sdk from "@aws-sdk/client-glue";
import { AlluviumError } from "@alluvium/core";
import { awsConfig, awsError, isAwsError, type AwsClientLike, type AwsOptions } from "@alluvium/core/aws";
import type { CatalogTable, LakeCatalog } from "../delta/catalog.ts";
import { inputOf, isCurrent, type GlueTable } from "./glue-table.ts";

/** Which database of Glue, and how it is reached. `client` is one of `@aws-sdk/client-glue`. */
export interface GlueCatalogOptions extends AwsOptions {
  /** Name of the database. It has to be there. */
  readonly database: string;
  /** The name of a table in the catalog. @default its name in the lake in lower case, as Hive and Athena want it */
  readonly tableName?: (table: string) => string;
  /** Id of the account whose catalog it is. @default that of the credentials */
  readonly catalogId?: string;
}

const ATTEMPTS = 5;

/**
 * Registers the tables of a lake in the Glue Data Catalog, so that Athena, EMR and others find them by name. It creates entries and updates them when columns
 * change; comments, descriptions and properties of others stay. An entry of the same name that is of another place is left alone (`ALV_TABLE_FOREIGN`).
 * Needs the package `@aws-sdk/client-glue`.
 *
 * It is no part of a load, which is committed before: what goes wrong is a `warning` among the events, and tried again after a later load.
 *
 * Written from AWS's documentation and run against MiniStack. **Unverified, since only AWS itself can show it: that Athena and EMR read the tables by these
 * entries.**
 *
 * Permissions: `glue:GetTable`, `glue:CreateTable`, `glue:UpdateTable` on the catalog, the database and its tables.
 *
 * @throws `ALV_CONFIG` without a database.
 *
 * @example
 * ```ts
 * import { glueCatalog } from "@alluvium/destinations/aws";
 * import { delta } from "@alluvium/destinations/delta";
 *
 * const catalog = glueCatalog({ database: "bronze", region: "eu-central-1" });
 * const lake = pipeline({ name: "shop", source: shop, destination: delta({ url: "s3://my-lake/bronze", catalog }) });
 * ```
 */
export function glueCatalog(options: GlueCatalogOptions): LakeCatalog {
  const { database, tableName = (table) => table.toLowerCase(), catalogId } = options;
  if (typeof database !== "string" || database === "")
    throw new AlluviumError(
      "ALV_CONFIG",
      "glueCatalog: database is empty: give the name of a database of Glue",
    );
  let opened: Promise<Opened> | undefined;
  const open = (): Promise<Opened> =>
    (opened ??= openClient(options).catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
  const catalog = catalogId === undefined ? {} : { CatalogId: catalogId };

  async function find(name: string, signal: AbortSignal): Promise<GlueTable | undefined> {
    const { sdk, send } = await open();
    try {
      const command = new sdk.GetTableCommand({ ...catalog, DatabaseName: database, Name: name });
      return ((await send(command, signal)) as { readonly Table?: GlueTable }).Table;
    } catch (error) {
      if (isAwsError(error, "EntityNotFoundException")) return undefined;
      throw error;
    }
  }

  /** Whether it is done; `false`: somebody else changed the entry in between. */
  async function put(name: string, table: CatalogTable, signal: AbortSignal): Promise<boolean> {
    const { sdk, send } = await open();
    const found = await find(name, signal);
    if (found === undefined) {
      const TableInput = inputOf(name, table, undefined);
      try {
        await send(new sdk.CreateTableCommand({ ...catalog, DatabaseName: database, TableInput }), signal);
        return true;
      } catch (error) {
        if (isAwsError(error, "AlreadyExistsException")) return false;
        if (!isAwsError(error, "EntityNotFoundException")) throw error;
        throw new AlluviumError(
          "ALV_CONFIG",
          `there is no database ${database} in Glue: create it (aws glue create-database --database-input Name=${database}), or check its name and the region`,
          { cause: error },
        );
      }
    }
    checkSame(database, name, table, found);
    if (isCurrent(found, table)) return true;
    const command = new sdk.UpdateTableCommand({
      ...catalog,
      DatabaseName: database,
      TableInput: inputOf(name, table, found),
      SkipArchive: true,
      ...(found.VersionId !== undefined && { VersionId: found.VersionId }),
    });
    try {
      await send(command, signal);
      return true;
    } catch (error) {
      if (
        isAwsError(
          error,
          "ConcurrentModificationException",
          "VersionMismatchException",
          "EntityNotFoundException",
        )
      )
        return false;
      throw error;
    }
  }

  return {
    async register(table, { signal }) {
      if (!table.location.startsWith("s3://"))
        throw new AlluviumError("ALV_CONFIG", `Glue knows tables on S3, and ${table.location} is not`);
      const name = tableName(table.name);
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        signal.throwIfAborted();
        try {
          if (await put(name, table, signal)) return;
        } catch (error) {
          signal.throwIfAborted();
          throw awsError(error, `register the table ${database}.${name} in Glue`);
        }
      }
      throw new AlluviumError(
        "ALV_TABLE_CONFLICT",
        `the table ${database}.${name} of Glue was changed by others ${ATTEMPTS} times meanwhile`,
      );
    },
  };
}

/** An entry of another table must not be bent to ours. */
function checkSame(database: string, name: string, { location }: CatalogTable, found: GlueTable): void {
  const plain = (text: string | undefined): string | undefined =>
    text?.replace(/^s3[an]:/, "s3:").replace(/\/+$/, "");
  const other = found.StorageDescriptor?.Location;
  if (plain(other) === plain(location)) return;
  throw new AlluviumError(
    "ALV_TABLE_FOREIGN",
    `the table ${database}.${name} of Glue is of ${other ?? "no place"}, not of ${location}: drop that entry, or give glueCatalog another database or \`tableName\``,
  );
}

interface Opened {
  readonly sdk: typeof Sdk;
  readonly send: (command: unknown, signal: AbortSignal) => Promise<unknown>;
}

async function openClient(options: AwsOptions): Promise<Opened> {
  let sdk: typeof Sdk;
  try {
    sdk = await import("@aws-sdk/client-glue");
  } catch (cause) {
    throw new AlluviumError(
      "ALV_MISSING_PACKAGE",
      "glueCatalog needs the package @aws-sdk/client-glue, which is not installed: npm install @aws-sdk/client-glue",
      { cause },
    );
  }
  const client =
    options.client ??
    (new sdk.GlueClient({ ...awsConfig(options, "glueCatalog") }) as unknown as AwsClientLike);
  return {
    sdk,
    send: (command, signal) => client.send(command as never, { abortSignal: signal } as never),
  };
}
