import { expect, test } from "vitest";
import { rowsOf } from "../../src/columns/rows.ts";
import { resource } from "../../src/resource.ts";
import type { StreamContext } from "../../src/stream.ts";
import type { AnyResource } from "../../src/transform.ts";
import { typed } from "../../src/typed.ts";
import { poison } from "../columns/poison.ts";
import { streamsOf } from "../reading.ts";

interface Row {
  id: number;
  tags: string[];
}

const pages = Array.from({ length: 6 }, (_, page) =>
  Array.from({ length: 2000 }, (_, i): Row => ({ id: page * 2000 + i, tags: [`t${i}`] })),
);

function rows(cursor?: { readonly column: "id"; readonly lag?: number }) {
  return resource({
    name: "rows",
    schema: typed<Row>(),
    ...(cursor !== undefined && { cursor }),
    async *read() {
      yield* pages;
    },
  });
}

/** Reads resources and spoils each batch as soon as it is read, where it may be; gives how many could be released, and the ids by table. */
async function drain(
  resources: readonly AnyResource[],
  context: Partial<StreamContext> = {},
): Promise<{ released: number; batches: number; ids: Record<string, number[]> }> {
  const outcome = { released: 0, batches: 0, ids: {} as Record<string, number[]> };
  for (const stream of await streamsOf(resources))
    for await (const item of stream.read({
      signal: new AbortController().signal,
      since: undefined,
      budget: 1 << 18,
      attempt: 1,
      emit: () => {},
      ...context,
    })) {
      if (!("batch" in item)) continue;
      outcome.batches += 1;
      const ids = (outcome.ids[item.table] ??= []);
      for (const row of rowsOf<{ id: bigint; tags: string[] }>(item.batch)) {
        ids.push(Number(row.id));
        expect(row.tags).toEqual([`t${Number(row.id) % 2000}`]);
      }
      if (item.release === undefined) continue;
      outcome.released += 1;
      item.batch.columns.forEach(poison);
      item.release();
      item.release();
    }
  return outcome;
}

const all = pages.flat().map(({ id }) => id);

test("batches of a resource without steps go back to it", async () => {
  const { released, batches, ids } = await drain([rows()]);
  expect(batches).toBeGreaterThan(3);
  expect(released).toBe(batches);
  expect(ids["rows"]).toEqual(all);
});

test("so do those of a resource with a cursor, which remembers only where it is", async () => {
  const { released, batches, ids } = await drain([rows({ column: "id" })]);
  expect(released).toBe(batches);
  expect(ids["rows"]).toEqual(all);
});

test("none goes back that is read again: held back by a lag, shared, transformed, or cut to a window", async () => {
  const lagging = await drain([rows({ column: "id", lag: 2500 })]);
  expect(lagging.released).toBe(0);
  const one = rows();
  const shared = await drain([one, one.as("two")]);
  expect(shared.released).toBe(0);
  expect(shared.ids).toEqual({ rows: all, two: all });
  const mapped = await drain([rows().filter(({ id }) => id % 2 === 0)]);
  expect(mapped.released).toBe(0);
  expect(mapped.ids["rows"]).toEqual(all.filter((id) => id % 2 === 0));
  const cut = await drain([rows({ column: "id" })], { window: { since: 5, until: 10_000 } });
  expect(cut.released).toBeLessThan(cut.batches);
  expect(cut.ids["rows"]).toEqual(all.slice(5, 10_000));
});
