import { expect, test } from "vitest";
import { timeOrderedId } from "@alluvium/core";

test("ids are UUIDs of version 7 that sort as they were drawn", () => {
  const ids = Array.from({ length: 20_000 }, () => timeOrderedId());
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids.slice(0, 100))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const time = Number.parseInt(ids[0]!.replace("-", "").slice(0, 12), 16);
  expect(Math.abs(time - Date.now())).toBeLessThan(10_000);
});

test("they go on sorting when the clock steps back", () => {
  const later = timeOrderedId(Date.now() + 60_000);
  expect(timeOrderedId(Date.now()) > later).toBe(true);
});
