import type { ObjectStore } from "@alluvium/core";
import { describe, expect, test } from "vitest";
import { appendPlan, clockStore, ids, jsonLake, loadRows, openTest, pathsIn } from "./lakes.ts";
import { batchOf } from "@alluvium/core/testing";

const DAY = 86_400_000;
const FOLDER = "_alluvium/shop/main/";

async function sequences(store: ObjectStore): Promise<readonly number[]> {
  const paths = (await pathsIn(store, FOLDER)).filter((path) => /\/\d{20}\.json$/.test(path));
  return paths.map((path) => Number(path.slice(FOLDER.length, -5)));
}

describe("superseded manifests", () => {
  test("are deleted with their markers after their age, but never the newest and its predecessor", async () => {
    const { store, later } = clockStore();
    await using session = await openTest(store);
    await session.recover();
    for (let id = 0; id < 4; id++) await loadRows(session, appendPlan("t", ids()), [ids(id)]);
    expect(await sequences(store)).toEqual([0, 1, 2, 3]);
    later(7 * DAY);
    await loadRows(session, appendPlan("t", ids()), [ids(4)]);
    expect(await sequences(store)).toEqual([3, 4]);
    expect((await pathsIn(store, FOLDER)).filter((path) => path.endsWith(".applied"))).toHaveLength(2);
  });

  test("are deleted by number where there are many", async () => {
    const { store } = clockStore();
    await using session = await openTest(store, jsonLake, { timing: { manifestCount: 3 } });
    await session.recover();
    for (let id = 0; id < 8; id++) await loadRows(session, appendPlan("t", ids()), [ids(id)]);
    expect(await sequences(store)).toEqual([5, 6, 7]);
  });

  test("stay while a parked table needs them", async () => {
    const { store, later } = clockStore();
    await using session = await openTest(store);
    await session.recover();
    await loadRows(session, appendPlan("t", ids()), [ids(0)]);
    const log = await pathsIn(store, "t/_log/");
    await store.delete(log);
    await loadRows(session, appendPlan("t", ids()), [ids(1)]);
    for (let id = 2; id < 5; id++) {
      later(7 * DAY);
      await loadRows(session, appendPlan("u", ids()), [ids(id)]);
    }
    expect(await sequences(store)).toEqual([1, 3, 4]);
  });

  test("take their lists and schemas along", async () => {
    const { store, later } = clockStore();
    await using session = await openTest(store);
    await session.recover();
    await loadRows(
      session,
      appendPlan("t", ids()),
      Array.from({ length: 900 }, (_, i) => ids(i, i, i)),
    );
    const wider = batchOf({ id: [{ kind: "int64" }, [1n]], name: [{ kind: "string" }, ["x"]] });
    later(1 * DAY);
    await loadRows(session, appendPlan("t", wider), [wider]);
    expect(await pathsIn(store, `${FOLDER}_schemas/`)).toHaveLength(2);
    for (let load = 0; load < 2; load++) {
      later(7 * DAY);
      await loadRows(session, appendPlan("t", wider), [wider]);
    }
    expect(await pathsIn(store, `${FOLDER}_lists/`)).toHaveLength(0);
    expect(await pathsIn(store, `${FOLDER}_schemas/`)).toHaveLength(1);
    await using next = await openTest(store);
    expect((await next.recover())?.tables["t"]?.schema.fields).toHaveLength(2);
  });

  test("data files are not touched", async () => {
    const { store, later } = clockStore();
    await using session = await openTest(store);
    await session.recover();
    for (let id = 0; id < 3; id++) {
      await loadRows(session, appendPlan("t", ids()), [ids(id)]);
      later(7 * DAY);
    }
    await loadRows(session, appendPlan("t", ids()), [ids(3)]);
    expect((await pathsIn(store, "t/")).filter((path) => path.endsWith(".rows"))).toHaveLength(4);
  });
});
