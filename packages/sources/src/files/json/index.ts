export { jsonLines } from "./json-lines.ts";
export type { JsonLinesOptions } from "./options.ts";
