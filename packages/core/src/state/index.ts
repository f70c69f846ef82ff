/**
 * For authors of destinations: what a pipeline remembers as JSON, with versions, and schemas by their content.
 *
 * @module core/state
 */
export { canonicalJson, contentHash } from "./canonical.ts";
export { decodeSchema, decodeType, encodeSchema, encodeType, schemaHash } from "./schema-codec.ts";
export { decodeSchemaChange, encodeSchemaChange } from "./schema-change-codec.ts";
export { decodeState, encodeState, stateVersion } from "./state-codec.ts";
