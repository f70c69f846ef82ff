import { describe, expect, test } from "vitest";
import { pipeline, source as sourceOf, type RunOptions } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { memoryDestination } from "@alluvium/core/testing";
import { csv, files, json, jsonLines, type FilesTableOptions } from "@alluvium/sources/files";

/* Values that a declared column does not hold, where the contract leaves out values. */

type Contract = NonNullable<FilesTableOptions["contract"]>;

interface Options {
  readonly contract?: Contract;
  readonly run?: RunOptions<"t">["contract"];
  /** Of a source whose resource is made of the table. */
  readonly derived?: Contract;
}

async function load(table: Omit<FilesTableOptions, "files">, text: string, options: Options) {
  const { contract, run, derived } = options;
  const store = memoryStore();
  await store.put("a", new TextEncoder().encode(text));
  const landing = files({
    store,
    tables: { t: { files: "a", ...(contract && { contract }), ...table } as FilesTableOptions },
  });
  const { t } = landing.resources;
  const source = derived === undefined ? landing : sourceOf("s", () => [t], { contract: derived })();
  const destination = memoryDestination();
  const p = pipeline({ name: "p", source, destination });
  const { tables } = await p.run(run === undefined ? {} : { contract: run });
  const { discarded, quarantined } = tables["t"]!;
  const rows = destination.store.rows("t").map(({ _alv_load_id: _load, ...row }) => row);
  return { rows, values: discarded.values, quarantined, discardedRows: discarded.rows };
}

const columns = {
  id: { type: "int64" },
  n: { type: "int8" },
  l: { type: "list", element: { type: "int8" } },
} as const;
const formats = [
  ["CSV", csv(), 'id,n,l,v\nzz,300,[1],b\n2,3,"[1,999]",c\n'],
  ["JSON lines", jsonLines(), '{"id":"zz","n":300,"l":[1],"v":"b"}\n{"id":2,"n":3,"l":[1,999],"v":"c"}\n'],
  ["JSON", json(), '[{"id":"zz","n":300,"l":[1],"v":"b"},{"id":2,"n":3,"l":[1,999],"v":"c"}]'],
] as const;
const thinned = [
  { id: null, n: null, l: [1], v: "b" },
  { id: 2n, n: 3, l: null, v: "c" },
];

describe.each(formats)("%s", (_, format, text) => {
  test.each<[string, Options]>([
    ["of the table", { contract: "discardValue" }],
    ["of the run", { contract: "quarantine", run: { types: "discardValue" } }],
    ["of a source that is made of it", { contract: "quarantine", derived: "discardValue" }],
  ])("a contract %s leaves out the values, and no row", async (__, options) => {
    const { rows, values, discardedRows } = await load({ format, columns }, text, options);
    expect({ rows, values, discardedRows }).toEqual({ rows: thinned, values: 3, discardedRows: 0 });
  });

  test.each<[string, Options]>([
    ["of the run", { contract: "discardValue", run: { types: "quarantine" } }],
    ["of a source that is made of it", { contract: "discardValue", derived: "quarantine" }],
  ])("a contract %s that keeps whole rows comes first", async (__, options) => {
    const { rows, values, quarantined } = await load({ format, columns }, text, options);
    expect({ rows, values, quarantined }).toEqual({ rows: [], values: 0, quarantined: 2 });
  });

  test("without a value that must not be null there is no row", async () => {
    const id = { type: "int64", nullable: false } as const;
    const options = { contract: "discardValue" } as const;
    const { rows, values, discardedRows } = await load(
      { format, columns: { ...columns, id } },
      text,
      options,
    );
    expect({ rows, values, discardedRows }).toEqual({
      rows: thinned.slice(1),
      values: expect.any(Number) as number,
      discardedRows: 1,
    });
  });
});
