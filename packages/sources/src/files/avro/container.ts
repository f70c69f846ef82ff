import type { FileContent } from "../format.ts";
import { unpackOf, type Unpack } from "./codec.ts";
import { damaged } from "./cursor.ts";
import type { AvroNode } from "./node.ts";
import { parseAvroSchema } from "./parse-schema.ts";
import { byteStream, type ByteStream } from "./stream.ts";

/** What stands at the beginning of a file. */
export interface AvroHeader {
  readonly node: AvroNode;
  readonly unpack: Unpack;
  /** Sixteen bytes that stand after the header and after each block. */
  readonly sync: Uint8Array;
  /** Where the first block begins. */
  readonly end: number;
}

/** Some rows of a file, packed together. */
export interface AvroBlock {
  /** Where it begins in the file. */
  readonly offset: number;
  /** Where the next one begins. */
  readonly end: number;
  readonly rows: number;
  /** Its rows, unpacked. */
  readonly bytes: Uint8Array;
}

const MAGIC = [0x4f, 0x62, 0x6a, 1];
const MOST_STORED = 1 << 30;

/**
 * Reads the header of a file.
 * Source: https://avro.apache.org/docs/1.12.0/specification/#object-container-files
 */
export async function readHeader(stream: ByteStream, path: string): Promise<AvroHeader> {
  const magic = await stream.take(4);
  if (!MAGIC.every((byte, i) => magic[i] === byte))
    throw damaged("it does not begin as an Avro object container file does");
  const metadata = new Map<string, Uint8Array>();
  for (;;) {
    let count = await needed(stream);
    if (count === 0) break;
    if (count < 0) {
      count = -count;
      await needed(stream);
    }
    for (let i = 0; i < count; i++) {
      const name = new TextDecoder().decode(await takeSized(stream));
      metadata.set(name, await takeSized(stream));
    }
  }
  const sync = (await stream.take(16)).slice();
  const schema = metadata.get("avro.schema");
  if (schema === undefined) throw damaged("it has no schema");
  const codec = new TextDecoder().decode(metadata.get("avro.codec") ?? new Uint8Array(0)) || "null";
  const node = parseAvroSchema(new TextDecoder().decode(schema), path);
  return { node, unpack: unpackOf(codec, path), sync, end: stream.offset };
}

/** A number that must be there. */
async function needed(stream: ByteStream): Promise<number> {
  const value = await stream.long();
  if (value === undefined) throw damaged("the file is cut off here");
  return value;
}

async function takeSized(stream: ByteStream): Promise<Uint8Array> {
  const size = await needed(stream);
  if (size < 0 || size > MOST_STORED) throw damaged(`its header has an entry of ${size} bytes`);
  return stream.take(size);
}

/** The blocks of a file from `offset` on, where one begins. One is unpacked while the one before is decoded. */
export async function* readBlocks(
  file: FileContent,
  { unpack, sync }: AvroHeader,
  offset: number,
): AsyncGenerator<AvroBlock> {
  await using stream = byteStream(file.read(offset), offset);
  let ahead: Promise<AvroBlock> | undefined;
  for (;;) {
    const next = await nextBlock(stream, unpack, sync).catch(async (error: unknown) => {
      // What came before it whole is given first.
      return { failure: error };
    });
    if (ahead !== undefined) yield await ahead;
    if (next === undefined) return;
    if ("failure" in next) throw next.failure;
    ahead = next.block;
    // Awaited when it is given; until then a failure must not count as unhandled.
    ahead.catch(() => {});
  }
}

async function nextBlock(
  stream: ByteStream,
  unpack: Unpack,
  sync: Uint8Array,
): Promise<{ readonly block: Promise<AvroBlock> } | undefined> {
  const { offset } = stream;
  try {
    const rows = await stream.long();
    if (rows === undefined) return undefined;
    const size = await needed(stream);
    if (rows < 0 || size < 0 || size > MOST_STORED)
      throw damaged(`a block is said to have ${rows} rows in ${size} bytes`);
    const stored = await stream.take(size);
    const mark = await stream.take(16);
    if (!sync.every((byte, i) => mark[i] === byte))
      throw damaged("the mark that stands after each block is not there");
    const { offset: end } = stream;
    const block = unpack(stored).then(
      (bytes) => ({ offset, end, rows, bytes }),
      (error: unknown) => {
        throw atBlock(error, offset);
      },
    );
    return { block };
  } catch (error) {
    throw atBlock(error, offset);
  }
}

/** The same error with the block in front. */
export function atBlock(error: unknown, offset: number): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === "ALV_FILE_INVALID" ? damaged(`block at byte ${offset}: ${String(message)}`) : error;
}
