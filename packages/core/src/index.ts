/**
 * What pipelines are made of: resources and their transforms, sources, pipelines, secrets, errors; and the contracts of sources, destinations
 * and stores.
 *
 * @module core
 */
export { resource } from "./resource.ts";
export type {
  AbilityOfDisposition,
  Bounds,
  ColumnOf,
  CursorColumnOf,
  CursorOptions,
  CursorReadContext,
  CursorSpelling,
  DispositionOption,
  Duration,
  KeyOption,
  Lag,
  NestedPath,
  NestingOption,
  Ordered,
  PartialOption,
  PlainResourceOptions,
  ReadContext,
  RowsRead,
  SchemaResourceOptions,
  TableOptions,
  WhereOption,
} from "./resource-options.ts";
export type { InferenceOptions } from "./inference-option.ts";
export type { NestingChoice, NestingMode } from "./nesting-option.ts";
export type { AnyResource, AsOptions, Resource, RowOf, TransformOptions } from "./transform.ts";
export { originResource, type OriginResourceOptions } from "./origin-resource.ts";
export { joinContracts } from "./contract.ts";
export type { Contract, ContractOption, ContractPolicies, ContractPolicy } from "./contract.ts";
export type { QuarantineLimits } from "./quarantine-limits.ts";
export { located } from "./row-position.ts";
export { checkpoint, type Checkpoint } from "./checkpoint.ts";
export { source, type ResourceSource, type SourceOptions, type TablesOf } from "./source.ts";
export {
  pipeline,
  type CapabilityCheck,
  type Pipeline,
  type PipelineOptions,
  type PipelineReport,
} from "./pipeline.ts";
export {
  typed,
  type InputOf,
  type OutputOf,
  type RowSchema,
  type ValidationIssue,
  type ValidationResult,
} from "./typed.ts";
export { redact, sha256, tokenize, type Mask } from "./mask.ts";
export { env, revealCredential, Secret, withFreshCredentials, type Credential } from "./secret.ts";
export {
  accepted,
  check,
  each,
  freshness,
  notNull,
  pattern,
  range,
  reconcile,
  references,
  rowCount,
  sqlCheck,
  unique,
  type Check,
  type CheckOptions,
  type CheckRule,
  type ColumnCheck,
  type FunctionCheck,
  type FunctionRule,
  type CheckSeverity,
  type ChecksOption,
  type CheckValue,
  type RowCheckOptions,
  type SourceFigure,
  checksOf,
} from "./quality/check.ts";
export type { CheckResult } from "./quality/check-result.ts";
export { day, hour, month, year, type DerivedPartition } from "./partition.ts";
export { AlluviumError, type ErrorCode, type ErrorPlace } from "./errors.ts";
export {
  abilityOf,
  readsAll,
  takesEffect,
  validityColumns,
  windowOf,
  type Condition,
  type Disposition,
  type MergeOptions,
  type MergeStrategy,
  type Validity,
  type Where,
} from "./disposition.ts";
export type {
  Capabilities,
  CommitOptions,
  Destination,
  DestinationSession,
  Load,
  LoadPlan,
  LoadReceipt,
  LoadRecord,
  OpenContext,
  ParkedTable,
  RowCounts,
  StagedLoad,
  TableInfo,
  TablePlan,
  TablePreview,
  TableReceipt,
  TableScanOptions,
} from "./destination.ts";
export type {
  Ability,
  CursorCodec,
  Naming,
  OpenResources,
  Partition,
  RefusedAgain,
  RetakeContext,
  RetakenRefusal,
  RetakenRows,
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
export type { PipelineDefinition, Refresh, RetryOptions, RunOptions } from "./run/definition.ts";
export type { EventBody, RunEvent } from "./run/events.ts";
export type { ForgetOptions } from "./run/forget.ts";
export type { ManageOptions } from "./run/manage.ts";
export type { Drift, PlannedRefusal, PlannedTable, RunPlan } from "./run/run-plan.ts";
export type { RefusedRow } from "./refused-row.ts";
export type { OutstandingOptions, QuarantinedRow } from "./run/quarantined.ts";
export type { ReplayOptions, ReplayReport } from "./run/replay.ts";
export type { RunProblem, RunReport, TableReport } from "./run/report.ts";
export type { SchemaChange } from "./schema/schema-change.ts";
export type { ColumnHint, ColumnHints, PlainKind, TypeHint, ValueOfHint } from "./schema/hints.ts";
export type { SnakeCase } from "./schema/names.ts";
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
export type { SchemaDocument, SchemaDocumentColumn, SchemaDocumentTable } from "./state/schema-document.ts";
export type { PipelineId, PipelineState, StreamState, TableState } from "./state/state.ts";
export type {
  ByteRange,
  ObjectInfo,
  ObjectStore,
  ObjectWriter,
  StoreCall,
  StoreCapabilities,
} from "./storage/store.ts";
export { dispositionOf, keyOf, layoutOf } from "./table-options.ts";
