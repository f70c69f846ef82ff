export { csv } from "./csv.ts";
export type { CsvOptions } from "./options.ts";
