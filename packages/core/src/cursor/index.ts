/**
 * For authors of connectors: cursors over a column, with the boundary rule that keeps an append exact.
 *
 * @module core/cursor
 */
export {};
