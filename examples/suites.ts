// #region suites
import { test } from "node:test";
import {
  AlluviumError,
  pipeline,
  resource,
  source,
  typed,
  type ObjectStore,
} from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import {
  destinationSuite,
  memoryDestination,
  sourceSuite,
  suiteDestination,
} from "@alluvium/core/testing";
import { delta, deltaTable } from "@alluvium/destinations/delta";

const issues = resource({
  name: "issues",
  schema: typed<{ id: number; open: boolean }>(),
  cursor: { column: "id", order: "ascending" },
  *read({ since = 0 }) {
    for (let id = since; id < 500; id++) yield { id, open: id % 10 === 0 };
  },
});
const tracker = source("tracker", () => [
  issues,
  issues.filter((issue) => issue.open).as("open_issues"),
]);

// What every source keeps to: what a checkpoint means, that reading stops when told.
sourceSuite({
  test: (name, run) => void test(name, run),
  open: async () => ({ source: tracker() }),
});

// And every destination: what a commit takes, and what a second writer may do.
destinationSuite({
  test: (name, run) => void test(name, run),
  capabilities: delta({ store: memoryStore() }).capabilities,
  async open() {
    const store = memoryStore();
    return suiteDestination(delta({ store }), (table) => readTable(store, table));
  },
});

async function readTable(
  store: ObjectStore,
  path: string,
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  try {
    const snapshot = await deltaTable({ store, path }).snapshot();
    for await (const batch of snapshot.scan()) rows.push(...rowsOf(batch));
  } catch (error) {
    if (!AlluviumError.is(error) || error.code !== "ALV_TABLE_NOT_FOUND") throw error;
  }
  return rows;
}

// For tests of your own: tables in memory.
void test("only open issues are loaded", async ({ assert }) => {
  const memory = memoryDestination();
  await pipeline({ name: "test", source: tracker(), destination: memory }).run();
  assert.equal(memory.store.rows("open_issues").length, 50);
});
// #endregion suites
