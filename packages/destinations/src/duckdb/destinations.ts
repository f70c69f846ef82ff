import { knownOptions, type KnownOptions } from "../sql/known-options.ts";
import type { DuckDBOptions } from "./options.ts";

/** How each destination was built. */
export const destinations: KnownOptions<DuckDBOptions> = knownOptions("DuckDB");
