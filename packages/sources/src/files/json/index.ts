export { json } from "./json.ts";
export { jsonLines } from "./json-lines.ts";
export type { JsonLinesOptions, JsonOptions } from "./options.ts";
