import { AlluviumError } from "@alluvium/core";
import { allFields, type DeltaStruct } from "../types.ts";
import type { Metadata, Protocol } from "./actions.ts";

/**
 * Which features of the protocol Alluvium can read and write. What is not listed is refused by name.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#valid-feature-names-in-table-features
 */
const readable: ReadonlySet<string> = new Set([
  "columnMapping",
  "deletionVectors",
  "timestampNtz",
  // An older spelling that occurs in the wild.
  "timestampWithoutTimezone",
  "v2Checkpoint",
  "vacuumProtocolCheck",
]);

/** Features that a writer may meet, and when they are in use here, so that a table which only lists them stays writable. */
const writable: Readonly<Record<string, "supported" | ((table: ActiveTable) => string | undefined)>> = {
  deletionVectors: "supported",
  timestampNtz: "supported",
  timestampWithoutTimezone: "supported",
  v2Checkpoint: "supported",
  vacuumProtocolCheck: "supported",
  domainMetadata: "supported",
  // Checked per operation: appending is always allowed.
  appendOnly: "supported",
  invariants: ({ schema }) => metadataKey(schema, "delta.invariants"),
  checkConstraints: ({ configuration }) =>
    Object.keys(configuration).find((key) => key.startsWith("delta.constraints.")),
  generatedColumns: ({ schema }) => metadataKey(schema, "delta.generationExpression"),
  identityColumns: ({ schema }) => metadataKey(schema, "delta.identity."),
  allowColumnDefaults: ({ schema }) => metadataKey(schema, "CURRENT_DEFAULT"),
  changeDataFeed: property("delta.enableChangeDataFeed"),
  columnMapping: ({ configuration }) => {
    const mode = configuration["delta.columnMapping.mode"] ?? "none";
    return mode === "none" ? undefined : `delta.columnMapping.mode = ${mode}`;
  },
  inCommitTimestamp: property("delta.enableInCommitTimestamps"),
  rowTracking: property("delta.enableRowTracking"),
  icebergCompatV1: property("delta.enableIcebergCompatV1"),
  icebergCompatV2: property("delta.enableIcebergCompatV2"),
};

// Once rowTracking is listed every add needs a row id, whether the property is set or not.
const always = new Set(["rowTracking"]);

interface ActiveTable {
  readonly schema: DeltaStruct;
  readonly configuration: Readonly<Record<string, string>>;
}

function property(name: string): (table: ActiveTable) => string | undefined {
  return ({ configuration }) => (isTrue(configuration[name]) ? `${name} = true` : undefined);
}

function metadataKey(schema: DeltaStruct, prefix: string): string | undefined {
  for (const field of allFields(schema))
    for (const key of Object.keys(field.metadata ?? {}))
      if (key === prefix || (prefix.endsWith(".") && key.startsWith(prefix)))
        return `${key} of column ${field.name}`;
  return undefined;
}

/** Whether a property of a table is set. */
export function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}

// What each writer version brought, before there were lists of features.
const legacyWriter: readonly (readonly [version: number, features: readonly string[]])[] = [
  [2, ["appendOnly", "invariants"]],
  [3, ["checkConstraints"]],
  [4, ["changeDataFeed", "generatedColumns"]],
  [5, ["columnMapping"]],
  [6, ["identityColumns"]],
];

/** Features that a reader must know, by name, whatever way the protocol spells them. */
export function readerFeatures(protocol: Protocol): readonly string[] {
  if (protocol.minReaderVersion >= 3) return protocol.readerFeatures ?? [];
  return protocol.minReaderVersion === 2 ? ["columnMapping"] : [];
}

/** Features that a writer must know, by name, whatever way the protocol spells them. */
export function writerFeatures(protocol: Protocol): readonly string[] {
  if (protocol.minWriterVersion >= 7) return protocol.writerFeatures ?? [];
  return legacyWriter.flatMap(([version, features]) =>
    protocol.minWriterVersion >= version ? features : [],
  );
}

/** Refuses a table that Alluvium would read wrongly. */
export function checkReadable(protocol: Protocol, metadata: Metadata, place: string): void {
  if (protocol.minReaderVersion > 3) refuse(place, "read", [`reader version ${protocol.minReaderVersion}`]);
  const unknown = readerFeatures(protocol).filter((feature) => !readable.has(feature));
  if (unknown.length > 0) refuse(place, "read", unknown);
  if (metadata.format.provider !== "parquet") refuse(place, "read", [`format ${metadata.format.provider}`]);
}

/** Refuses a table that Alluvium must not write to. */
export function checkWritable(
  protocol: Protocol,
  metadata: Metadata,
  schema: DeltaStruct,
  place: string,
): void {
  checkReadable(protocol, metadata, place);
  if (protocol.minWriterVersion > 7)
    refuse(place, "written", [`writer version ${protocol.minWriterVersion}`]);
  const table = { schema, configuration: metadata.configuration };
  const unknown = writerFeatures(protocol).flatMap((feature) => {
    const known = writable[feature];
    if (known === undefined || always.has(feature)) return [feature];
    const use = known === "supported" ? undefined : known(table);
    return use === undefined ? [] : [`${feature} (${use})`];
  });
  if (unknown.length > 0) refuse(place, "written", unknown);
}

/** Refuses to remove rows from a table that only grows. */
export function checkMayRemove(metadata: Metadata, place: string): void {
  if (isTrue(metadata.configuration["delta.appendOnly"]))
    throw new AlluviumError(
      "ALV_TABLE_FEATURE",
      `${place} is append-only (delta.appendOnly = true), so its rows cannot be replaced. Load it with disposition append, or change the property.`,
    );
}

function refuse(place: string, what: "read" | "written", features: readonly string[]): never {
  throw new AlluviumError(
    "ALV_TABLE_FEATURE",
    `${place} cannot be ${what}: it needs ${features.join(", ")}, which this version of Alluvium does not support. ` +
      "Use a newer version, or drop the feature from the table with the engine that made it.",
  );
}

/** The smallest protocol for a new table. */
export function newProtocol(localTimestamps: boolean): Protocol {
  return localTimestamps
    ? {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ["timestampNtz"],
        writerFeatures: ["timestampNtz"],
      }
    : { minReaderVersion: 1, minWriterVersion: 2 };
}

/** The protocol after the first `timestamp_ntz` column came; the same object where nothing is to do. */
export function withLocalTimestamps(protocol: Protocol): Protocol {
  const readers = readerFeatures(protocol);
  if (readers.includes("timestampNtz") || readers.includes("timestampWithoutTimezone")) return protocol;
  return {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: [...readers, "timestampNtz"],
    writerFeatures: [...writerFeatures(protocol), "timestampNtz"],
  };
}

/** The protocol and properties of a table that marks rows as deleted; the same objects where nothing is to do. */
export function withDeletionVectors(
  protocol: Protocol,
  configuration: Readonly<Record<string, string>>,
): { readonly protocol: Protocol; readonly configuration: Readonly<Record<string, string>> } {
  const readers = readerFeatures(protocol);
  const property = "delta.enableDeletionVectors";
  return {
    protocol: readers.includes("deletionVectors")
      ? protocol
      : {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: [...readers, "deletionVectors"],
          writerFeatures: [...writerFeatures(protocol), "deletionVectors"],
        },
    configuration: isTrue(configuration[property]) ? configuration : { ...configuration, [property]: "true" },
  };
}

/**
 * The protocol after NOT NULL columns came; the same object where nothing is to do. Once features are listed they count as the feature
 * `invariants`: Spark refuses a table that has them without it.
 */
export function withInvariants(protocol: Protocol, schema: DeltaStruct): Protocol {
  const listed = protocol.writerFeatures ?? [];
  if (protocol.minWriterVersion < 7 || listed.includes("invariants")) return protocol;
  for (const { nullable } of allFields(schema))
    if (!nullable) return { ...protocol, writerFeatures: [...listed, "invariants"] };
  return protocol;
}
