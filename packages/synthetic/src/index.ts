/**
 * A deterministic synthetic e-commerce shop.
 *
 * @module synthetic
 */
export type { WorldOptions } from "./options.ts";
export { createWorld, type World, type WorldTable } from "./world.ts";
export type { TableName } from "./tables.ts";
