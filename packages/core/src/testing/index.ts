/**
 * Conformance suites and stores that break on purpose, for tests of sources, destinations and pipelines.
 *
 * @module core/testing
 */
export { storeSuite, type StoreSuiteOptions } from "./store-suite.ts";
