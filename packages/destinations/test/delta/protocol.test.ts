import { describe, expect, test } from "vitest";
import type { Metadata, Protocol } from "../../src/delta/log/actions.ts";
import {
  checkReadable,
  checkWritable,
  withInvariants,
  withLocalTimestamps,
  writerFeatures,
} from "../../src/delta/log/protocol.ts";
import type { DeltaStruct } from "../../src/delta/types.ts";

const plain: Metadata = {
  id: "x",
  format: { provider: "parquet" },
  schemaString: "",
  partitionColumns: [],
  configuration: {},
};
const schema: DeltaStruct = {
  type: "struct",
  fields: [{ name: "a", type: "long", nullable: true, metadata: {} }],
};
const v = (reader: number, writer: number): Protocol => ({
  minReaderVersion: reader,
  minWriterVersion: writer,
});
const features = (readers: string[], writers: string[] = readers): Protocol => ({
  ...v(3, 7),
  readerFeatures: readers,
  writerFeatures: writers,
});

describe("reading", () => {
  test.each([
    v(1, 2),
    v(2, 6),
    v(1, 7),
    features(["deletionVectors", "columnMapping", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"]),
    features([], ["rowTracking", "somethingNew"]),
  ])("%j", (protocol) => {
    expect(() => checkReadable(protocol, plain, "t")).not.toThrow();
  });

  test.each([
    [features(["deletionVectors", "variantType"]), "variantType"],
    [features(["catalogManaged"]), "catalogManaged"],
    [features(["typeWidening", "someday"]), "typeWidening, someday"],
    [v(4, 7), "reader version 4"],
  ])("%j is refused by name", (protocol, feature) => {
    expect(() => checkReadable(protocol, plain, 'table "t"')).toThrow(
      `table "t" cannot be read: it needs ${feature},`,
    );
  });
});

describe("writing", () => {
  const write =
    (protocol: Protocol, configuration = {}, fields: DeltaStruct = schema) =>
    () =>
      checkWritable(protocol, { ...plain, configuration }, fields, "t");

  test.each([
    v(1, 1),
    v(1, 2),
    v(1, 3),
    v(1, 4),
    v(2, 5),
    v(2, 6),
    features(["timestampNtz"]),
    features(["deletionVectors"]),
  ])("%j", (protocol) => {
    expect(write(protocol)).not.toThrow();
  });

  test("features that are listed but not used do no harm", () => {
    expect(
      write(
        features(
          [],
          [
            "appendOnly",
            "invariants",
            "checkConstraints",
            "changeDataFeed",
            "generatedColumns",
            "identityColumns",
          ],
        ),
      ),
    ).not.toThrow();
  });

  test.each([
    [v(1, 8), {}, "writer version 8"],
    [features([], ["rowTracking"]), {}, "rowTracking"],
    [features([], ["clustering", "domainMetadata"]), {}, "clustering"],
    [features([], ["icebergCompatV3"]), {}, "icebergCompatV3"],
    [v(1, 4), { "delta.enableChangeDataFeed": "true" }, "changeDataFeed"],
    [v(1, 3), { "delta.constraints.positive": "a > 0" }, "checkConstraints"],
    [v(2, 5), { "delta.columnMapping.mode": "name" }, "columnMapping"],
    [features([], ["inCommitTimestamp"]), { "delta.enableInCommitTimestamps": "true" }, "inCommitTimestamp"],
  ])("%j with %j is refused by name", (protocol, configuration, feature) => {
    expect(write(protocol, configuration)).toThrow(feature);
    expect(write(protocol, configuration)).toThrow(/cannot be written/);
  });

  test("what columns carry is seen, nested too", () => {
    const nested = (metadata: Record<string, unknown>): DeltaStruct => ({
      type: "struct",
      fields: [
        {
          name: "list",
          nullable: true,
          metadata: {},
          type: {
            type: "array",
            containsNull: true,
            elementType: { type: "struct", fields: [{ name: "x", type: "long", nullable: true, metadata }] },
          },
        },
      ],
    });
    expect(write(v(1, 2), {}, nested({ "delta.invariants": "{}" }))).toThrow(
      "invariants (delta.invariants of column x)",
    );
    expect(write(v(1, 4), {}, nested({ "delta.generationExpression": "1" }))).toThrow("generatedColumns");
    expect(write(v(1, 6), {}, nested({ "delta.identity.start": 1 }))).toThrow("identityColumns");
    expect(write(v(1, 2), {}, nested({ comment: "hello" }))).not.toThrow();
  });
});

test("the first wall clock column turns versions into features, none lost", () => {
  expect(withLocalTimestamps(v(1, 2))).toEqual(
    features(["timestampNtz"], ["appendOnly", "invariants", "timestampNtz"]),
  );
  expect(writerFeatures(withLocalTimestamps(v(2, 6)))).toEqual([
    "appendOnly",
    "invariants",
    "checkConstraints",
    "changeDataFeed",
    "generatedColumns",
    "columnMapping",
    "identityColumns",
    "timestampNtz",
  ]);
  expect(withLocalTimestamps(v(2, 6)).readerFeatures).toEqual(["columnMapping", "timestampNtz"]);
  const has = features(["timestampNtz"]);
  expect(withLocalTimestamps(has)).toBe(has);
});

test("NOT NULL columns are announced where features are listed", () => {
  const field = (nullable: boolean): DeltaStruct["fields"][number] => ({
    name: "x",
    type: "long",
    nullable,
    metadata: {},
  });
  const nested: DeltaStruct = {
    type: "struct",
    fields: [{ ...field(true), type: { type: "struct", fields: [field(false)] } }],
  };
  const loose: DeltaStruct = { type: "struct", fields: [field(true)] };
  const listed = features(["timestampNtz"], ["timestampNtz"]);
  expect(withInvariants(listed, nested).writerFeatures).toEqual(["timestampNtz", "invariants"]);
  expect(withInvariants(listed, loose)).toBe(listed);
  const old = v(1, 2);
  expect(withInvariants(old, nested)).toBe(old);
  const known = features(["timestampNtz"], ["timestampNtz", "invariants"]);
  expect(withInvariants(known, nested)).toBe(known);
});
