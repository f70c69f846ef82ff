/**
 * @module core
 */
export { AlluviumError, errorCodes, type ErrorCode, type ErrorPlace } from "./errors.ts";
export {
  abilityOf,
  type Condition,
  type Disposition,
  type MergeOptions,
  type MergeStrategy,
  type Where,
} from "./disposition.ts";
export type {
  Capabilities,
  Destination,
  DestinationSession,
  Load,
  LoadPlan,
  LoadReceipt,
  LoadRecord,
  OpenContext,
  ParkedTable,
  StagedLoad,
  TableInfo,
  TablePlan,
  TableReceipt,
} from "./destination.ts";
export type {
  Ability,
  CursorCodec,
  Naming,
  Partition,
  Source,
  SourceContext,
  SourceSession,
  SourceTables,
  Stream,
  StreamContext,
  StreamItem,
  TableDescription,
  Unit,
} from "./stream.ts";
export { timeOrderedId } from "./run/id.ts";
export type { PipelineDefinition, RetryOptions, RunOptions } from "./run/definition.ts";
export type { EventBody, RunEvent, SchemaChange } from "./run/events.ts";
export type { RunProblem, RunReport, TableReport } from "./run/report.ts";
export type {
  ColumnKind,
  ColumnType,
  DecimalType,
  Field,
  ListType,
  MapType,
  Schema,
  StructType,
  TimestampType,
} from "./schema/types.ts";
export type { Json } from "./state/json.ts";
export { canonicalJson, contentHash } from "./state/canonical.ts";
export { decodeSchema, decodeType, encodeSchema, encodeType, schemaHash } from "./state/schema-codec.ts";
export { decodeState, encodeState, stateVersion } from "./state/state-codec.ts";
export type { PipelineId, PipelineState, StreamState, TableState } from "./state/state.ts";
export type {
  ByteRange,
  ObjectInfo,
  ObjectStore,
  ObjectWriter,
  StoreCall,
  StoreCapabilities,
} from "./storage/store.ts";
