import { describe, expect, test } from "vitest";
import { pipeline, source as sourceOf, type ReplayOptions } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { memoryDestination } from "@alluvium/core/testing";
import { csv, files, jsonLines, type FilesTableOptions } from "@alluvium/sources/files";

/* Rows that were refused when they were read, taken once more. */

type Fix = NonNullable<ReplayOptions<"t">["fix"]>;

const steps = ["as they are", "with a step"] as const;

/** A pipeline that has read a file; `replay` tells what came of it, and the rows of the table without those of the run before. */
async function loaded(
  path: string,
  text: string,
  options: Omit<FilesTableOptions, "files">,
  step: (typeof steps)[number] = "as they are",
) {
  const store = memoryStore();
  await store.put(path, new TextEncoder().encode(text));
  const landing = files({
    store,
    tables: { t: { files: "**", contract: { types: "quarantine" }, ...options } as FilesTableOptions },
  });
  const { t } = landing.resources;
  const source =
    step === "as they are" ? landing : sourceOf("s", () => [t.map((row) => ({ ...row, mapped: true }))])();
  const destination = memoryDestination();
  const p = pipeline({ name: "p", source, destination });
  await p.run();
  const own = () =>
    destination.store.rows("t").map((row) => {
      const { _alv_load_id: _, mapped: __, ...cells } = row as Record<string, unknown>;
      return cells;
    });
  const before = own().length;
  return {
    replay: async (fix?: Fix) => {
      const { replayed, refused, dropped } = await p.replay({ resource: "t", ...(fix && { fix }) });
      return { replayed, refused, dropped, rows: own().slice(before) };
    },
    waiting: async () =>
      (await p.quarantine({ resource: "t" })).map(({ message, row }) => ({ message, row })),
  };
}

describe.each(steps)("%s", (step) => {
  test.each([
    ["CSV", csv(), "id,v\n1,x\n2,y,z\n", "2,y,z"],
    ["JSON lines", jsonLines(), '{"id":1,"v":"x"}\n{"id":\n', '{"id":'],
  ])(
    "a line that is no row stays refused, with its reason and what to do: %s",
    async (_, format, text, line) => {
      const { replay, waiting } = await loaded("a.txt", text, { format }, step);
      const [first] = await waiting();
      expect(first).toMatchObject({ row: { line } });
      // The reason is said once, however often it is tried.
      for (let i = 0; i < 2; i++) {
        expect(await replay()).toEqual({ replayed: 0, refused: 1, dropped: 0, rows: [] });
        expect(await waiting()).toEqual([
          { message: `${first!.message}. To replay it, give fix, which makes a row of it`, row: { line } },
        ]);
      }
      expect(await replay((row) => row)).toMatchObject({ replayed: 0, refused: 1 });
      const mended = await replay(() => ({ id: 2, v: "y" }));
      expect(mended).toEqual({ replayed: 1, refused: 0, dropped: 0, rows: [{ id: 2n, v: "y" }] });
    },
  );

  test("a row has the columns of its path again", async () => {
    const options: Omit<FilesTableOptions, "files"> = {
      format: csv(),
      columns: { id: { type: "int64" }, year: { type: "int32" } },
      fileColumn: "_file",
      modifiedColumn: "_at",
      partitions: true,
    };
    const path = "year=2024/city=Z%C3%BCrich/p=__HIVE_DEFAULT_PARTITION__/a.csv";
    const { replay } = await loaded(path, "id,v,day\n1,x,2024-01-04\nzz,y,2024-01-05\n", options, step);
    const { rows } = await replay((row) => ({ ...row, id: 2 }));
    // The step makes numbers of its own of it.
    const year = step === "with a step" ? 2024n : 2024;
    const cells = {
      id: 2n,
      year,
      v: "y",
      day: "2024-01-05",
      _file: path,
      _at: null,
      city: "Zürich",
      p: null,
    };
    expect(rows).toEqual([cells]);
  });
});

test("a row that is refused once more may hold what JSON has not", async () => {
  const { replay, waiting } = await loaded("a.csv", "id,v\n1,x\nzz,y\n", {
    format: csv(),
    columns: { id: { type: "int8" } },
  });
  expect(await replay((row) => ({ ...row, id: 2n ** 70n }))).toMatchObject({ replayed: 0, refused: 1 });
  expect((await waiting())[0]!.message).toContain("1180591620717411303424");
});
