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
