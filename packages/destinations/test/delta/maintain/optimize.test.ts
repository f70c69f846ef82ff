import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore } from "@alluvium/core/testing";
import { openTable, scanRows } from "../tables.ts";
import {
  append,
  copyOf,
  stopped,
  commitOf,
  filesIn,
  idsOf,
  liveFiles,
  makeTable,
  range,
  rowsFrom,
  schema,
  tableIn,
} from "./care.ts";

const byId = (ids: readonly number[]) => [{ column: "id", op: "in" as const, value: ids }];

describe("optimize", () => {
  test("puts small files together, with exact statistics, and is no change of data", async () => {
    const store = memoryStore();
    await makeTable(store);
    for (let load = 0; load < 5; load++) await append(store, load, rowsFrom(load * 10, load * 10 + 10));
    const result = await tableIn(store).optimize();
    expect(result).toMatchObject({
      versions: [6],
      filesRemoved: 5,
      filesAdded: 1,
      rowsRewritten: 50,
      rowsPurged: 0,
    });
    expect(await idsOf(store)).toEqual(range(0, 50));
    const [file, ...others] = await liveFiles(store);
    expect(others).toEqual([]);
    expect(JSON.parse(file!.statistics!)).toMatchObject({
      numRecords: 50,
      minValues: { id: 0, text: "row 0" },
      maxValues: { id: 49, text: "row 9" },
      nullCount: { id: 0, text: 0, part: 50 },
    });
    const actions = await commitOf(store, 6);
    expect(actions[0]?.commitInfo).toMatchObject({ operation: "OPTIMIZE", isBlindAppend: false });
    for (const { add, remove } of actions) expect((add ?? remove)?.dataChange ?? false).toBe(false);
    expect((await tableIn(store).verify()).findings).toEqual([]);
    // Nothing is left to do.
    expect(await tableIn(store).optimize()).toMatchObject({ versions: [], filesRemoved: 0 });
  });

  test("keeps partitions apart and leaves a lone file of one", async () => {
    const store = memoryStore();
    const options = { partitionBy: [{ column: "part" }] };
    await makeTable(store, options);
    for (let load = 0; load < 3; load++)
      await append(
        store,
        load,
        rowsFrom(load * 10, load * 10 + 10, (id) => ({
          part: load === 0 && id === 0 ? "lone" : id % 2 === 0 ? "a/b" : "ü",
        })),
        options,
      );
    await tableIn(store).optimize();
    const files = await liveFiles(store);
    expect(
      files
        .map(({ partition, rows }) => [partition["part"], rows] as const)
        .sort(([a], [b]) => String(a).localeCompare(String(b))),
    ).toEqual([
      ["a/b", 14],
      ["lone", 1],
      ["ü", 15],
    ]);
    const rows = await scanRows(await openTable(store));
    expect(rows.filter(({ part }) => part === "ü").every(({ id }) => Number(id) % 2 === 1)).toBe(true);
  });

  test("packs into files of the target size and leaves those that are large enough", async () => {
    const store = memoryStore();
    await makeTable(store);
    for (let load = 0; load < 6; load++) await append(store, load, rowsFrom(load * 1000, load * 1000 + 1000));
    const sizes = (await liveFiles(store)).map(({ size }) => size);
    const targetBytes = Math.max(...sizes) * 2.1;
    const result = await tableIn(store).optimize({ targetBytes });
    expect(result).toMatchObject({ filesRemoved: 6, filesAdded: 3 });
    expect(await idsOf(store)).toEqual(range(0, 6000));
    expect(await tableIn(store).optimize({ targetBytes: Math.min(...sizes) })).toMatchObject({
      filesRemoved: 0,
    });
  });

  test("purges dead rows from a share on, also in files of the target size", async () => {
    const store = memoryStore();
    await makeTable(store);
    await append(store, 0, rowsFrom(0, 100));
    await append(store, 1, rowsFrom(100, 200));
    await tableIn(store).delete({ where: byId(range(0, 5)) });
    await tableIn(store).delete({ where: byId(range(100, 140)) });
    const targetBytes = 1;
    expect(await tableIn(store).optimize({ targetBytes, purge: 0.41 })).toMatchObject({ versions: [] });
    expect(await tableIn(store).optimize({ targetBytes, purge: 0.4 })).toMatchObject({
      rowsPurged: 40,
      filesRemoved: 1,
    });
    expect(await tableIn(store).optimize({ targetBytes, purge: 0 })).toMatchObject({
      rowsPurged: 5,
      filesRemoved: 1,
    });
    expect(await idsOf(store)).toEqual([...range(5, 100), ...range(140, 200)]);
    expect((await liveFiles(store)).every(({ deletedRows }) => deletedRows === 0)).toBe(true);
  });

  test("takes conditions, and says in a dry run what it would do", async () => {
    const store = memoryStore();
    const options = { partitionBy: [{ column: "part" }] };
    await makeTable(store, options);
    for (let load = 0; load < 4; load++)
      await append(
        store,
        load,
        rowsFrom(load * 10, load * 10 + 10, (id) => ({ part: id % 2 === 0 ? "a" : "b" })),
        options,
      );
    const where = [{ column: "part", op: "=" as const, value: "a" }];
    expect(await tableIn(store).optimize({ where, dryRun: true })).toMatchObject({
      versions: [],
      filesRemoved: 4,
    });
    expect(await liveFiles(store)).toHaveLength(8);
    await tableIn(store).optimize({ where });
    expect(await liveFiles(store)).toHaveLength(5);
  });

  test("sorts whole partitions, in memory and with runs, and leaves what is sorted", async () => {
    for (const budget of [1 << 26, 200_000]) {
      const store = memoryStore();
      await makeTable(store);
      const count = 30_000;
      for (let load = 0; load < 3; load++)
        await append(
          store,
          load,
          range(0, count / 3).map((i) => {
            const id = (i * 7919 + load * 13) % 10_000;
            return { id, text: `${load}`, ...(id % 100 === 0 ? {} : { part: `p${id % 7}` }) };
          }),
        );
      const targetBytes = 30_000;
      const before = await idsOf(store);
      const result = await tableIn(store).optimize({ orderBy: ["part", "id"], targetBytes, budget });
      expect(result.filesAdded).toBeGreaterThan(2);
      expect(await idsOf(store)).toEqual(before);
      const files = (await liveFiles(store)).map(({ statistics }) => JSON.parse(statistics!));
      const seen: string[] = [];
      for (const { add } of await commitOf(store, 4)) {
        if (add === undefined) continue;
        seen.push(add.path);
      }
      expect(files).toHaveLength(seen.length);
      // Files in the order of the sort cover ranges that follow one another.
      const rows = await scanRows(await openTable(store));
      expect(rows).toHaveLength(count);
      const keys = rows.map(({ part, id }) => [part === null ? "" : (part as string), Number(id)] as const);
      const sorted = (list: typeof keys) =>
        list.every(
          ([part, id], i) =>
            i === 0 || list[i - 1]![0] < part || (list[i - 1]![0] === part && list[i - 1]![1] <= id),
        );
      expect(sorted(keys)).toBe(true);
      expect(await filesIn(store).then((all) => all.filter((path) => path.startsWith("_alv_sort")))).toEqual(
        [],
      );
      expect(await tableIn(store).optimize({ orderBy: ["part", "id"], targetBytes, budget })).toMatchObject({
        versions: [],
      });
    }
  });

  test.each([
    [{ purge: 2 }, "purge is 2"],
    [{ targetBytes: 0 }, "targetBytes is 0"],
    [{ orderBy: ["nothing"] }, 'orderBy names "nothing"'],
    [{ where: [{ column: "nothing", op: "=" as const, value: 1 }] }, 'no column "nothing"'],
  ])("refuses %o", async (options, message) => {
    const store = memoryStore();
    await makeTable(store);
    await append(store, 0, rowsFrom(0, 3));
    await expect(tableIn(store).optimize(options)).rejects.toThrow(message);
  });

  test("an append in the middle does not disturb it, a deletion makes it look again", async () => {
    const made = memoryStore();
    await makeTable(made);
    for (let load = 0; load < 3; load++) await append(made, load, rowsFrom(load * 10, load * 10 + 10));
    const filled = () => copyOf(made);
    const whole = faultStore(await filled());
    await tableIn(whole).optimize();
    for (let step = 0; step < whole.steps.length; step++)
      for (const other of ["append", "delete", "optimize"] as const) {
        const store = await filled();
        const first = faultStore(store, {
          async at({ index }) {
            if (index !== step) return undefined;
            if (other === "append") await append(store, 3, rowsFrom(30, 40));
            else if (other === "delete") await tableIn(store).delete({ where: byId([3, 13]) });
            else await tableIn(store).optimize();
            return undefined;
          },
        });
        await tableIn(first).optimize();
        const wanted =
          other === "append"
            ? range(0, 40)
            : other === "delete"
              ? range(0, 30).filter((id) => id !== 3 && id !== 13)
              : range(0, 30);
        expect(await idsOf(store), `${other} at step ${step}`).toEqual(wanted);
        expect(
          (await tableIn(store).verify({ deep: true })).findings.filter(({ kind }) => kind !== "orphan"),
        ).toEqual([]);
      }
  });

  test("stopped at every step it harms nothing, and again it finishes", async () => {
    const made = memoryStore();
    await makeTable(made);
    for (let load = 0; load < 3; load++) await append(made, load, rowsFrom(load * 10, load * 10 + 10));
    await tableIn(made).delete({ where: byId([1, 2, 11]) });
    const filled = () => copyOf(made);
    const options = { orderBy: ["id"], budget: 1000, purge: 0 };
    const whole = faultStore(await filled());
    await tableIn(whole).optimize(options);
    expect(whole.steps.length).toBeGreaterThan(20);
    const wanted = range(0, 30).filter((id) => ![1, 2, 11].includes(id));
    for (let step = 0; step < whole.steps.length; step++) {
      const store = await filled();
      await stopped(tableIn(faultStore(store, { stopAt: step })).optimize(options));
      expect(await idsOf(store), `stopped at step ${step}`).toEqual(wanted);
      await tableIn(store).optimize(options);
      expect(await idsOf(store), `finished after step ${step}`).toEqual(wanted);
      expect(await liveFiles(store)).toHaveLength(1);
    }
  });

  test("keeps every type of the table, nested ones and nulls", async () => {
    const store = memoryStore();
    const wide = {
      fields: [
        ...schema.fields,
        { name: "money", type: { kind: "decimal", precision: 20, scale: 4 }, nullable: true },
        { name: "at", type: { kind: "timestamp", zone: "utc" }, nullable: true },
        {
          name: "tags",
          type: { kind: "list", element: { name: "element", type: { kind: "string" }, nullable: true } },
          nullable: true,
        },
        {
          name: "person",
          type: { kind: "struct", fields: [{ name: "name", type: { kind: "string" }, nullable: true }] },
          nullable: true,
        },
      ],
    } as const;
    await makeTable(store, { schema: wide });
    const rows = [
      { id: 1, money: "1234567890123456.7891", at: new Date(5), tags: ["a", null], person: { name: "Ada" } },
      { id: 2 },
    ];
    await append(store, 0, rows.slice(0, 1) as never, { schema: wide });
    await append(store, 1, rows.slice(1) as never, { schema: wide });
    const read = async () =>
      (await scanRows(await openTable(store))).sort((a, b) => Number(a["id"]) - Number(b["id"]));
    const before = await read();
    await tableIn(store).optimize({ orderBy: ["id"], budget: 100 });
    expect(await read()).toEqual(before);
    expect(await liveFiles(store)).toHaveLength(1);
  });
});
