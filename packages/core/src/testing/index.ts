/**
 * Conformance suites and stores that break on purpose, for tests of sources, destinations and pipelines.
 *
 * @module core/testing
 */
export { storeSuite, type StoreSuiteOptions } from "./store-suite.ts";
export {
  faultStore,
  StoppedError,
  type Fault,
  type FaultCall,
  type FaultPlan,
  type FaultStep,
  type FaultStore,
} from "./faults.ts";
export {
  powerLossStore,
  type PowerLoss,
  type PowerLossStore,
  type PowerLossStoreOptions,
} from "./power-loss.ts";
export { destinationSuite, type DestinationSuiteOptions } from "./destination-suite.ts";
export {
  memoryDestination,
  type MemoryDestination,
  type MemoryDestinationOptions,
} from "./memory-destination.ts";
export { memoryTables, type MemoryPipeline, type MemoryStore, type MemoryTable } from "./memory-store.ts";
export { sourceContext, sourceSuite, type SourceSuiteOptions, type SuiteSource } from "./source-suite.ts";
export { changeBatch, type ChangeSpelling } from "./change-batch.ts";
export { seededRandom } from "./random.ts";
export { batchOf, equalRows } from "./suite.ts";
export { suiteContext, suiteDestination, type Rows, type SuiteDestination } from "./suite-session.ts";
