import { expect, test } from "vitest";
import { AlluviumError } from "@alluvium/core";
import type { AwsClientLike } from "@alluvium/core/aws";
import { glueCatalog } from "@alluvium/destinations/aws";
import type { CatalogTable } from "@alluvium/destinations/delta";

const table = (version: number, ...columns: readonly string[]): CatalogTable => ({
  name: "Orders",
  location: "s3://lake/Orders",
  id: "id",
  version,
  columns: columns.map((name) => ({ name, type: "bigint" })),
  partitionColumns: [],
});
const { signal } = new AbortController();
const named = (name: string): Error => Object.assign(new Error("of the test"), { name });

interface Entry {
  readonly VersionId?: string;
  readonly StorageDescriptor?: { readonly Columns: readonly { readonly Name: string }[] };
}

/** One entry of Glue in memory; `before` runs before a call has its effect. */
function glue(before: (operation: string) => void = () => undefined) {
  let entry: Entry | undefined;
  const calls: string[] = [];
  const client: AwsClientLike = {
    async send(command) {
      const { constructor, input } = command as {
        readonly constructor: { readonly name: string };
        readonly input: { readonly VersionId?: string; readonly TableInput: Entry };
      };
      const operation = constructor.name.replace(/Command$/, "");
      calls.push(operation);
      before(operation);
      if (operation === "GetTable") {
        if (entry === undefined) throw named("EntityNotFoundException");
        return { Table: entry };
      }
      if (operation === "CreateTable" && entry !== undefined) throw named("AlreadyExistsException");
      if (operation === "UpdateTable" && input.VersionId !== entry?.VersionId)
        throw named("ConcurrentModificationException");
      entry = { ...input.TableInput, VersionId: String(Number(entry?.VersionId ?? -1) + 1) };
      return {};
    },
  };
  const columns = (): readonly string[] | undefined =>
    entry?.StorageDescriptor?.Columns.map(({ Name }) => Name);
  return { client, calls, columns, entry: () => entry };
}

test("an entry that another changes in between is read again, and what is newer stays", async () => {
  let raced = false;
  const server = glue((operation) => {
    if (operation !== "UpdateTable" || raced) return;
    raced = true;
    // Another registers version 3 between our look and our update.
    void other.register(table(3, "a", "b", "c"), { signal });
  });
  const other = glueCatalog({ database: "d", client: server.client });
  const catalog = glueCatalog({ database: "d", client: server.client });
  await catalog.register(table(1, "a"), { signal });
  const update = catalog.register(table(2, "a", "b"), { signal });
  await update;
  await expect.poll(() => server.columns()).toEqual(["a", "b", "c"]);
  await catalog.register(table(2, "a", "b"), { signal });
  expect(server.columns()).toEqual(["a", "b", "c"]);
});

test("two that create an entry at once", async () => {
  const server = glue();
  const catalogs = [1, 2].map(() => glueCatalog({ database: "d", client: server.client }));
  await Promise.all(catalogs.map((catalog) => catalog.register(table(1, "a"), { signal })));
  expect(server.calls.filter((call) => call === "CreateTable").length).toBe(2);
  expect(server.columns()).toEqual(["a"]);
});

test("who always comes too late gives up", async () => {
  const server = glue((operation) => {
    if (operation === "UpdateTable") throw named("ConcurrentModificationException");
  });
  const catalog = glueCatalog({ database: "d", client: server.client });
  await catalog.register(table(1, "a"), { signal });
  await expect(catalog.register(table(2, "a", "b"), { signal })).rejects.toMatchObject({
    code: "ALV_TABLE_CONFLICT",
  });
});

test("tables that are not on S3, and access that is denied", async () => {
  const server = glue(() => {
    throw named("AccessDeniedException");
  });
  const catalog = glueCatalog({ database: "d", client: server.client });
  await expect(catalog.register({ ...table(1), location: "file:///lake" }, { signal })).rejects.toMatchObject(
    { code: "ALV_CONFIG" },
  );
  const denied: unknown = await catalog.register(table(1), { signal }).catch((error: unknown) => error);
  expect(AlluviumError.is(denied) && denied.code).toBe("ALV_AUTH");
  expect(() => glueCatalog({ database: "" })).toThrow(/database is empty/);
});
