import { expect, test } from "vitest";
import { vectorOf, type Batch, type Vector } from "@alluvium/core/columns";
import { createGatherer } from "../../src/files/gather.ts";
import { contentOf } from "./content-of.ts";

const int64 = { kind: "int64" } as const;
const schema: Batch["schema"] = { fields: [{ name: "n", type: int64, nullable: true }] };

test("batches that are joined go back when the joined one does: they may have a dictionary in common", () => {
  const dictionary = vectorOf(int64, [1n, 2n, 3n]);
  const codes = Int32Array.of(0, 1, 2);
  const base = { layout: "dictionary", type: int64, length: 3, nullCount: 0, validity: undefined } as const;
  const column: Vector = { ...base, codes, dictionary };
  const batch: Batch = { schema, length: 3, columns: [column] };
  let out = 2;
  const item = (): Parameters<typeof gatherer.take>[0] => ({
    batch,
    locate: (row) => ({ row }),
    position: undefined,
    release: () => (out -= 1),
  });
  const gatherer = createGatherer(
    "t",
    { file: undefined, modified: undefined, partitions: false, known: new Map() },
    1000,
  );
  gatherer.take(item(), 10, contentOf(new Uint8Array(0)));
  gatherer.take(item(), 10, contentOf(new Uint8Array(0)));
  const [joined] = gatherer.flush();
  expect(joined!.batch.length).toBe(6);
  expect(out).toBe(2);
  joined!.release!();
  expect(out).toBe(0);
});
