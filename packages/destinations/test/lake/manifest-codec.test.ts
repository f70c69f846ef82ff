import type { MergeOperation } from "../../src/lake/contract.ts";
import type { Json, SchemaChange } from "@alluvium/core";
import { contentHash } from "@alluvium/core/state";
import { expect, test } from "vitest";
import {
  decodeFileList,
  decodeManifest,
  decodeMarker,
  encodeFileList,
  encodeManifest,
  encodeMarker,
} from "../../src/lake/manifest-codec.ts";
import type { AppliedMarker, FileList, Manifest } from "../../src/lake/manifest.ts";

const manifest: Manifest = {
  pipeline: "shop",
  lane: "main",
  incarnation: "i",
  sequence: 7,
  loadId: "l7",
  runId: "r",
  writer: "w",
  predecessor: "l6",
  startedAt: "2026-01-02T03:04:05.678Z",
  committedAt: "2026-01-02T03:04:06.678Z",
  streams: {
    orders: {
      cursor: { at: "9007199254740993" },
      cursorVersion: 2,
      identity: { db: "x" },
      loadId: "l7",
      committedAt: "c",
    },
  },
  tables: {
    orders: {
      stream: "orders",
      resource: "Orders",
      schema: "h",
      columns: { id: "ID" },
      primaryKey: ["id"],
      disposition: "append",
      rows: 0,
    },
  },
  known: { orders: { id: "t", stream: "orders", schema: "h", resync: true } },
  changes: [
    {
      table: "orders",
      stream: "orders",
      directory: "orders",
      tableId: "t",
      create: true,
      operation: { kind: "replaceWhere", where: [{ column: "id", op: "in", value: ["1", "2"] }] },
      schema: "h",
      schemaChanged: false,
      partitionBy: [{ column: "at", transform: "day", name: "d" }],
      ownership: "own",
      rows: 3,
      bytes: 100,
      fileCount: 1,
      written: "2026-01-02T03:04:05.678Z",
      files: {
        files: [
          {
            staged: "a",
            final: "b",
            size: 100,
            rows: 3,
            partition: { d: null, e: "x" },
            columns: [
              { path: ["id"], nulls: 0, min: "1", max: "3" },
              { path: ["s", "m"], nulls: 3 },
            ],
          },
        ],
        obsolete: ["old"],
      },
    },
  ],
  parked: [{ table: "users", stream: "users", sequence: 5, loadId: "l5", reason: "gone" }],
  settled: [
    {
      table: "x",
      loadId: "l4",
      how: "retry",
      receipt: { table: "x", rows: 1, bytes: 1, files: 1, version: 3, operation: "retry" },
    },
  ],
  loadsFile: "f",
};
const marker: AppliedMarker = { loadId: "l7", versions: { orders: 4, users: null }, parked: { x: "why" } };
const widened: SchemaChange = {
  kind: "columnWidened",
  column: "n",
  from: { kind: "decimal", precision: 9, scale: 2 },
  to: { kind: "string" },
};
/** The same with changes of columns, which older readers pass over. */
const changing: Manifest = {
  ...manifest,
  tables: { orders: { ...manifest.tables["orders"]!, validity: ["from", "to", "active"] } },
  changes: manifest.changes.map((change) => ({
    ...change,
    schemaChanges: [{ kind: "tableCreated" }, widened],
  })),
  settled: manifest.settled.map((entry) => ({
    ...entry,
    receipt: { ...entry.receipt!, schemaChanges: [widened] },
  })),
};
/** The same with merges, which older readers would misread. */
const merging: Manifest = {
  ...manifest,
  known: { orders: { id: "t", stream: "orders", schema: "h", boundary: "1767323045678001" } },
  changes: manifest.changes.map((change) => ({
    ...change,
    operation: {
      kind: "merge",
      strategy: "scd2",
      primaryKey: ["id"],
      mergeKey: ["group"],
      orderBy: "at",
      deleteFlag: "gone",
      validity: {
        from: "_alv_valid_from",
        to: "_alv_valid_to",
        active: "_alv_active",
        at: "1767323045678000",
        column: "since",
        retireAbsent: true,
      },
      restart: true,
    },
    newColumns: true,
    files: {
      files: [
        { staged: "s", final: "s", size: 1, rows: 1, partition: {}, columns: [], changes: { stretch: 3 } },
      ],
      obsolete: [],
    },
  })),
};
const mergedMarker: AppliedMarker = {
  ...marker,
  changed: { orders: { inserted: 1, updated: 2, deleted: 3 } },
  boundaries: { orders: "1767323045678001" },
};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test("manifest, list and marker come back as they were", () => {
  expect(decodeManifest(encodeManifest(manifest), "p")).toEqual({ version: 1, ...manifest });
  const list = manifest.changes[0]!.files;
  expect(typeof list === "string" || decodeFileList(encodeFileList(list), "p")).toEqual({
    version: 1,
    ...(list as object),
  });
  expect(decodeMarker(encodeMarker(marker), "p")).toEqual({ version: 1, ...marker });
});

test("changes of columns come back as they were, in a version that older readers know", () => {
  expect(decodeManifest(encodeManifest(changing), "p")).toEqual({ version: 1, ...changing });
  const again = encodeManifest(decodeManifest(encodeManifest(changing), "p"));
  expect(text(again)).toBe(text(encodeManifest(changing)));
});

test("merges come back as they were, in a version that older readers refuse", () => {
  expect(decodeManifest(encodeManifest(merging), "p")).toEqual({ version: 2, ...merging });
  expect(decodeMarker(encodeMarker(mergedMarker), "p")).toEqual({ version: 2, ...mergedMarker });
  const list = merging.changes[0]!.files as FileList;
  expect(decodeFileList(encodeFileList(list), "p")).toEqual({ version: 2, ...list });
  // Once no table keeps versions and nothing is merged, older readers may read on.
  expect(decodeManifest(encodeManifest({ ...merging, changes: [], known: {} }), "p")).toMatchObject({
    version: 1,
  });
  expect(decodeManifest(encodeManifest({ ...merging, changes: [] }), "p")).toMatchObject({ version: 2 });
});

test("nested tables and the names of validity columns come back as they were", () => {
  const [name, table] = Object.entries(manifest.tables)[0]!;
  const versions = { ...table, validity: ["from", "to", "active"] };
  expect(decodeManifest(encodeManifest({ ...manifest, tables: { [name]: versions } }), "p").tables).toEqual({
    [name]: versions,
  });
  const nested = {
    ...manifest,
    tables: {
      [name]: { ...table, nesting: { default: "tables" } },
      child: { ...table, nested: { root: name, parent: name, path: "/items" } },
    },
  };
  expect(decodeManifest(encodeManifest(nested), "p")).toEqual({ version: 3, ...nested });
  const followed = {
    ...merging,
    changes: merging.changes.map(({ operation, ...change }) => ({
      ...change,
      operation: {
        ...operation,
        follows: { table: "orders", directory: "orders", rowId: "row", rootId: "root" },
      } as MergeOperation,
    })),
  };
  expect(decodeManifest(encodeManifest(followed), "p")).toEqual({ version: 3, ...followed });
  for (const more of [{ json: [["x"], ["a", "[]"]] }, { quarantineOf: name }]) {
    const tables = { [name]: { ...table, ...more } };
    const found = decodeManifest(encodeManifest({ ...manifest, tables }), "p");
    expect(found).toEqual({ version: 3, ...manifest, tables });
  }
});

test("the stored form with merges is version 2: a change of it is a decision", () => {
  const forms = [encodeManifest(merging), encodeMarker(mergedMarker)].map(
    (form) => JSON.parse(text(form)) as Json,
  );
  expect(contentHash(forms)).toMatchInlineSnapshot(
    `"cf0a245264ff6372777d5899ec2fc49e2de8789bb1e2ffe93ea848bd4d4a86c1"`,
  );
});

test("the stored form is version 1: a change of it is a decision (older manifests must stay readable)", () => {
  const forms = [encodeManifest(manifest), encodeMarker(marker)].map(
    (form) => JSON.parse(text(form)) as Json,
  );
  expect(contentHash(forms)).toMatchInlineSnapshot(
    `"9f9a7b043327d485643de88d9101700d214dfb162ff70825e257b5f042694014"`,
  );
});

test.each([
  ["bytes that are no JSON", new TextEncoder().encode('{"version":1,'), /damaged/],
  ["bytes that are no text", Uint8Array.of(0xff, 0xfe), /damaged/],
  ["nothing", new Uint8Array(0), /damaged/],
  ["a missing member", bytes({ ...manifest, version: 1, loadId: undefined }), /loadId/],
  ["a wrong member", bytes({ ...manifest, version: 1, sequence: "7" }), /sequence/],
  ["a negative number", bytes({ ...manifest, version: 1, sequence: -1 }), /sequence/],
  [
    "an unknown change of a column",
    bytes({
      ...manifest,
      version: 1,
      changes: manifest.changes.map((change) => ({ ...change, schemaChanges: [{ kind: "columnPainted" }] })),
    }),
    /columnPainted/,
  ],
  ["a newer version", bytes({ ...manifest, version: 4 }), /version 4.*up to 3.*update Alluvium/],
])("%s is an error that names the file and the remedy", (_, content, message) => {
  const read = (): unknown => decodeManifest(content, "_alluvium/shop/main/7.json");
  expect(read).toThrow(expect.objectContaining({ code: "ALV_STATE_INVALID" }));
  expect(read).toThrow(message);
  expect(read).toThrow("_alluvium/shop/main/7.json");
});
