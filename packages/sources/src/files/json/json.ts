import type { FileFormat } from "../format.ts";
import { documentDecoder } from "./document-decoder.ts";
import { jsonIdentity, jsonSettings, type JsonOptions } from "./options.ts";

/**
 * The format of JSON documents: a list of objects, each a row, or one object, the only row; where `path` leads to them. Several documents may follow one
 * another. Rows are cut out of the text one by one, so that memory does not grow with the document. Values are as of `jsonLines()`. An element that is no
 * object is refused; text of which nobody can say where the next row begins (a bracket that is missing, a file that ends too early) ends reading with
 * `ALV_SOURCE_DATA`.
 *
 * Throws `ALV_CONFIG` for options that are none.
 *
 * @example
 * ```ts
 * const format = json({ path: "data.items" });
 * ```
 */
export function json(options: JsonOptions = {}): FileFormat {
  const settings = jsonSettings(options, "json");
  return {
    specVersion: 1,
    name: "json",
    identity: jsonIdentity(settings),
    infer: settings.infer,
    decoder: (context) => documentDecoder(settings, context),
  };
}
