import { expect, test } from "vitest";
import { pipeline, resource, source, type Pipeline } from "@alluvium/core";
import * as z from "zod";
import { readBack } from "../nesting/round-trip.ts";
import type { Place } from "./matrix.ts";

const schema = z.object({ id: z.int(), at: z.date(), total: z.number(), note: z.string().optional() });
const at = (day: number): Date => new Date(Date.UTC(2026, 0, day));

/** What is replayed never takes the place of what is newer, and is forgotten where that is asked. */
export function lateRows(
  name: string,
  open: () => Promise<Place>,
  choices: readonly ("native" | "tables")[] = ["native", "tables"],
): void {
  for (const nesting of choices)
    test(
      `${name}: late rows are folded in by their order, and forgotten (${nesting})`,
      { timeout: 60_000 },
      async () => {
        await using place = await open();
        const { destination } = place;
        const load = (rows: readonly object[]): Pipeline => {
          const items = resource({
            name: "items",
            schema,
            primaryKey: "id",
            cursor: "at",
            disposition: { merge: "upsert", orderBy: "at" },
            contract: "quarantine",
            nesting,
            read: () => [rows],
          } as never);
          return pipeline({
            name: "p",
            source: source("s", () => [items])() as never,
            destination: destination as never,
          }) as never;
        };
        const stored = async (): Promise<readonly unknown[]> => {
          const { items } = await readBack(destination, (await load([]).state())!);
          return items!
            .map(({ id, total }) => [Number(id), total])
            .toSorted((a, b) => Number(a[0]) - Number(b[0]));
        };
        await load([
          { id: 1, at: at(1), total: 1 },
          { id: 2, at: at(1), total: 1 },
          { id: 3, at: at(1), total: "3", note: "L\u0000\uD800" },
        ]).run();
        await load([
          { id: 1, at: at(2), total: "2" },
          { id: 2, at: at(2), total: "2" },
        ]).run();
        await load([{ id: 1, at: at(3), total: 3 }]).run();
        expect(await stored()).toEqual([
          [1, 3],
          [2, 1],
        ]);
        const waiting = await load([]).quarantine({ resource: "items" });
        expect(waiting.map(({ row }) => row)).toEqual([
          { id: 3, at: at(1), total: "3", note: "L\u0000\uD800" },
          { id: 1, at: at(2), total: "2" },
          { id: 2, at: at(2), total: "2" },
        ]);
        const { streams } = (await load([]).state())!;
        const fix = ({ note, ...row }: Record<string, unknown>): object => {
          void note;
          return { ...row, total: Number(row["total"]) };
        };
        expect(await load([]).replay({ resource: "items", fix })).toMatchObject({ replayed: 3, refused: 0 });
        expect(await load([]).replay({ resource: "items", fix })).toMatchObject({ replayed: 0 });
        expect(await stored()).toEqual([
          [1, 3],
          [2, 2],
          [3, 3],
        ]);
        const state = (await load([]).state())!;
        expect(state.streams).toEqual(streams);
        const log = async (): Promise<number> =>
          (await readBack(destination, (await load([]).state())!))["items__quarantine"]!.length;
        expect(await log()).toBe(6);
        const match = (row: Readonly<Record<string, unknown>>): boolean => row["id"] === 1;
        expect(await load([]).forget({ resource: "items", match })).toBe(1);
        expect(await load([]).forget({ resource: "items", match })).toBe(0);
        expect(await log()).toBe(4);
        // The pipeline goes on.
        await load([{ id: 4, at: at(4), total: 4 }]).run();
        expect(await stored()).toHaveLength(4);
      },
    );
}
