import type { DuckDBOptions } from "./options.ts";

/** The options of each destination that was built here, for reading back what it loads. */
const known = new WeakMap<object, DuckDBOptions>();

/** Remembers how a destination was built. */
export function rememberOptions(destination: object, options: DuckDBOptions): void {
  known.set(destination, options);
}

/** How a destination was built; `undefined` for one of another kind. */
export function optionsOf(destination: object): DuckDBOptions | undefined {
  return known.get(destination);
}
