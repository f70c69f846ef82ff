declare module "pg-copy-streams" {
  import type { Submittable } from "pg";
  import type { Readable, Writable } from "node:stream";
  /** Rows into a table. */
  export function from(text: string): Writable & Submittable & { readonly rowCount: number };
  /** Rows out of a table. */
  export function to(text: string): Readable & Submittable & { readonly rowCount: number };
}
