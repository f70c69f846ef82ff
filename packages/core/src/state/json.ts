/** A value that survives JSON to the letter. Integers beyond 2^53 and decimals travel as strings. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
