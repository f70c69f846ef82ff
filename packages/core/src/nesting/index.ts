/**
 * Nested values as child tables: the division of a batch, and rows put together again.
 *
 * @module core/nesting
 */
export { rebuildRows, type RebuildOptions } from "./rebuild.ts";
