import type { FileFormat } from "../format.ts";
import { linesDecoder } from "./lines-decoder.ts";
import { jsonIdentity, jsonSettings, type JsonLinesOptions } from "./options.ts";

/**
 * The format of JSON lines: an object in each line (also known as NDJSON). Numbers keep all their digits, as `parseJson` of core has them; columns follow the values as those of
 * any resource do. A line that is no object, no JSON or no text is refused, and reading goes on; empty ones are passed over.
 *
 * Throws `ALV_CONFIG` for options that are none.
 *
 * Source: https://jsonlines.org
 *
 * @example
 * ```ts
 * const format = jsonLines({ infer: { timestamps: true } });
 * ```
 */
export function jsonLines(options: JsonLinesOptions = {}): FileFormat {
  const settings = jsonSettings(options, "jsonLines");
  return {
    specVersion: 1,
    name: "jsonLines",
    identity: jsonIdentity(settings),
    infer: settings.infer,
    decoder: (context) => linesDecoder(settings, context),
  };
}
