import { AlluviumError } from "../errors.ts";
import type { Json } from "./json.ts";
import { decodeSchema, encodeSchema } from "./schema-codec.ts";
import type { PipelineState, StreamState, TableState } from "./state.ts";

type JsonObject = { readonly [key: string]: Json };

/**
 * Newest version of the stored form. Raise it when a reader of the old form would misread the new one, and teach {@link decodeState} both:
 * states of every older version stay readable. The second one can hold nested tables; what has none is stored in the first, for older readers.
 */
export const stateVersion = 2;

/** A pipeline's state as JSON, with its version. Everything that is not a safe number travels as text. */
export function encodeState(state: PipelineState): Json {
  return {
    version: Object.values(state.tables).some(
      ({ nesting, nested, json }) => nesting !== undefined || nested || json,
    )
      ? 2
      : 1,
    incarnation: state.incarnation,
    sequence: state.sequence,
    loadId: state.loadId,
    streams: mapValues(state.streams, (stream) => ({
      cursor: stream.cursor,
      cursorVersion: stream.cursorVersion,
      identity: stream.identity,
      loadId: stream.loadId,
      committedAt: stream.committedAt,
    })),
    tables: mapValues(state.tables, (table) => ({
      stream: table.stream,
      resource: table.resource,
      schema: encodeSchema(table.schema),
      columns: table.columns,
      primaryKey: table.primaryKey,
      disposition: table.disposition,
      ...(table.validity === undefined ? {} : { validity: table.validity }),
      ...(table.rows === undefined ? {} : { rows: table.rows }),
      ...(table.json === undefined ? {} : { json: table.json }),
      ...(table.nesting === undefined ? {} : { nesting: table.nesting }),
      ...(table.nested === undefined ? {} : { nested: table.nested }),
      ...(table.quarantineOf === undefined ? {} : { quarantineOf: table.quarantineOf }),
      ...(table.parked === undefined
        ? {}
        : { parked: { loadId: table.parked.loadId, reason: table.parked.reason } }),
    })),
  };
}

/**
 * Reads what {@link encodeState} wrote, of this version or an older one. Throws `ALV_STATE_INVALID` naming what is wrong; the caller
 * knows the path and adds it.
 */
export function decodeState(json: Json): PipelineState {
  const state = objectIn(json, "state");
  const version = state["version"];
  if (typeof version === "number" && version > stateVersion)
    throw new AlluviumError(
      "ALV_STATE_INVALID",
      `the state has version ${version}, this version of Alluvium reads up to ${stateVersion}: update Alluvium, or run the version that wrote it`,
    );
  if (version !== 1 && version !== 2) throw damaged("state.version", version);
  return {
    incarnation: text(state, "incarnation", "state"),
    sequence: count(state, "sequence", "state"),
    loadId: text(state, "loadId", "state"),
    streams: mapValues(objectIn(state["streams"], "state.streams"), decodeStream),
    tables: mapValues(objectIn(state["tables"], "state.tables"), decodeTable),
  };
}

function decodeStream(json: Json, name: string): StreamState {
  const place = `state.streams.${name}`;
  const stream = objectIn(json, place);
  return {
    cursor: stream["cursor"] ?? null,
    cursorVersion: count(stream, "cursorVersion", place),
    identity: stream["identity"] ?? null,
    loadId: text(stream, "loadId", place),
    committedAt: text(stream, "committedAt", place),
  };
}

function decodeTable(json: Json, name: string): TableState {
  const place = `state.tables.${name}`;
  const table = objectIn(json, place);
  const columns = objectIn(table["columns"], `${place}.columns`);
  const primaryKey = table["primaryKey"];
  if (!isTexts(primaryKey)) throw damaged(`${place}.primaryKey`, primaryKey);
  const validity = table["validity"];
  if (validity !== undefined && !isTexts(validity)) throw damaged(`${place}.validity`, validity);
  const { json: mixed, nesting, nested, parked } = table;
  if (mixed !== undefined && !(Array.isArray(mixed) && mixed.every(isTexts)))
    throw damaged(`${place}.json`, mixed);
  return {
    stream: text(table, "stream", place),
    resource: text(table, "resource", place),
    schema: decodeSchema(table["schema"] ?? null),
    columns: mapValues(columns, (_, column) => text(columns, column, `${place}.columns`)),
    primaryKey,
    disposition: text(table, "disposition", place),
    ...(validity === undefined ? {} : { validity }),
    ...(table["rows"] === undefined ? {} : { rows: count(table, "rows", place) }),
    ...(mixed === undefined ? {} : { json: mixed }),
    ...(nesting === undefined ? {} : { nesting }),
    ...(nested === undefined ? {} : { nested: decodeNested(nested, `${place}.nested`) }),
    ...(table["quarantineOf"] === undefined ? {} : { quarantineOf: text(table, "quarantineOf", place) }),
    ...(parked === undefined ? {} : { parked: decodeParked(parked, `${place}.parked`) }),
  };
}

function decodeNested(json: Json, place: string): NonNullable<TableState["nested"]> {
  const nested = objectIn(json, place);
  return {
    root: text(nested, "root", place),
    parent: text(nested, "parent", place),
    path: text(nested, "path", place),
  };
}

function decodeParked(json: Json, place: string): { readonly loadId: string; readonly reason: string } {
  const parked = objectIn(json, place);
  return { loadId: text(parked, "loadId", place), reason: text(parked, "reason", place) };
}

function mapValues<In, Out>(
  values: { readonly [key: string]: In },
  map: (value: In, key: string) => Out,
): { readonly [key: string]: Out } {
  // `fromEntries` defines properties, so that a table may be called `__proto__`.
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]));
}

function objectIn(json: Json | undefined, place: string): JsonObject {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as JsonObject;
  throw damaged(place, json);
}

function text(object: JsonObject, key: string, place: string): string {
  const value = object[key];
  if (typeof value === "string") return value;
  throw damaged(`${place}.${key}`, value);
}

function count(object: JsonObject, key: string, place: string): number {
  const value = object[key];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw damaged(`${place}.${key}`, value);
}

function isTexts(json: Json | undefined): json is readonly string[] {
  return Array.isArray(json) && json.every((item) => typeof item === "string");
}

function damaged(place: string, value: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_STATE_INVALID",
    `the stored state is damaged: ${place} is ${JSON.stringify(value) ?? "missing"}`,
  );
}
