import { AlluviumError, type ObjectStore, type Schema } from "@alluvium/core";
import { createAppender, nullVector, type Batch } from "@alluvium/core/columns";
import { partitionVector, type ReadFile } from "../../lake/files/read.ts";
import { codecOfName, unpacked } from "./codec.ts";
import type { TextFormat } from "./format.ts";

const RANGE = 1 << 21;
const BATCH_ROWS = 4096;

/** Reads the files that a format wrote. */
export function textFileReader(format: TextFormat): ReadFile {
  return async function* (file, { store, directory, schema, partitionBy }, signal) {
    const path = `${directory}/${file.staged}`;
    const partitioned = new Set(
      partitionBy.filter(({ transform }) => transform === undefined).map(({ column }) => column),
    );
    const stored: Schema = {
      fields: schema.fields.filter(({ name, type }) => !partitioned.has(name) && type.kind !== "null"),
    };
    const appender = createAppender({ schema: stored });
    const whole = (batch: Batch): Batch => ({
      schema,
      length: batch.length,
      columns: schema.fields.map(({ name, type }) => {
        if (partitioned.has(name))
          return partitionVector(file.partition[name] ?? null, type, batch.length, path);
        const index = stored.fields.findIndex((field) => field.name === name);
        return index < 0 ? nullVector(type, batch.length) : batch.columns[index]!;
      }),
    });
    try {
      const bytes = unpacked(codecOfName(file.staged), ranges(store, path, file.size, signal));
      for await (const row of format.parse(decoded(bytes), stored)) {
        appender.append(row);
        if (appender.length === BATCH_ROWS) yield whole(appender.finish());
      }
    } catch (error) {
      throw damaged(error, path, format.title);
    }
    if (appender.length > 0) yield whole(appender.finish());
  };
}

async function* ranges(
  store: ObjectStore,
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < size; start += RANGE)
    yield await store.get(path, {
      range: { start, end: Math.min(size, start + RANGE) },
      ...(signal && { signal }),
    });
}

async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const piece of bytes) yield decoder.decode(piece, { stream: true });
  yield decoder.decode();
}

/** What a file holds that its format did not write. Other errors, of the store say, pass. */
function damaged(error: unknown, path: string, title: string): unknown {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  const ours = AlluviumError.is(error) && code !== "ALV_ROW_INVALID";
  const isDamage =
    error instanceof SyntaxError ||
    error instanceof TypeError ||
    code === "ALV_ROW_INVALID" ||
    (typeof code === "string" && /^(Z_|ZSTD_|ERR_ENCODING)/.test(code));
  if (ours || !isDamage) return error;
  return new AlluviumError(
    "ALV_FILE_INVALID",
    `${path} is not the ${title} file that was written here: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}
