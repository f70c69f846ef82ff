import { knownOptions, type KnownOptions } from "../sql/known-options.ts";
import type { PostgresOptions } from "./options.ts";

/** How each destination was built. */
export const destinations: KnownOptions<PostgresOptions> = knownOptions("PostgreSQL");
