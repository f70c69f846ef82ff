import { AlluviumError, type Json, type RefusedRow } from "@alluvium/core";
import type { DecoderContext, FileContent, FileDecoder, FileItem } from "../format.ts";
import { batchShaper } from "../given-types.ts";
import { atBlock, readBlocks, readHeader, type AvroBlock, type AvroHeader } from "./container.ts";
import { AvroCursor, damaged } from "./cursor.ts";
import type { Nanoseconds } from "./leaf.ts";
import { rowDecoder, type RowDecoder } from "./rows.ts";
import { byteStream } from "./stream.ts";

/** Rows between two looks at how much there is. */
const LOOK = 256;

/** How far a file has been read: the next block, and how many rows stand before it. */
type AvroPosition = { readonly block: number; readonly rows: number };

/** Reads Avro files, one block after the other. */
export function avroDecoder(nanoseconds: Nanoseconds, context: DecoderContext): FileDecoder {
  const shape = batchShaper(context);
  return {
    async *read(file, since) {
      const from = decodePosition(since, file.path);
      try {
        const header = await headerOf(file);
        const rows = rowDecoder(header.node, nanoseconds);
        yield* readRows(file, header, rows, from ?? { block: header.end, rows: 0 }, context, shape);
      } catch (error) {
        throw readFailure(error, file.path);
      }
    },
  };
}

async function headerOf(file: FileContent): Promise<AvroHeader> {
  await using stream = byteStream(file.read(), 0);
  return await readHeader(stream, file.path);
}

async function* readRows(
  file: FileContent,
  header: AvroHeader,
  rows: RowDecoder,
  from: AvroPosition,
  { batchBytes, signal }: DecoderContext,
  shape: ReturnType<typeof batchShaper>,
): AsyncGenerator<FileItem> {
  let { rows: done } = from;
  /** The numbers of the rows of the batch, less their places in it, from each place on: refused rows leave gaps. */
  let gaps: { readonly from: number; readonly number: number }[] = [];
  const batchItem = (position: AvroPosition | undefined): FileItem => {
    const whole = rows.finish();
    const places = gaps;
    gaps = [];
    return {
      batch: shape(whole),
      ...(position && { position }),
      locate: (row) => {
        const gap = places.findLast((each) => each.from <= row)!;
        return { row: gap.number + row - gap.from };
      },
      release: () => rows.release(whole),
    };
  };
  let refused: RefusedRow[] = [];
  let last: AvroPosition | undefined;
  for await (const block of readBlocks(file, header, from.block)) {
    signal.throwIfAborted();
    const cursor = new AvroCursor(block.bytes);
    let left = block.rows;
    while (left > 0) {
      const count = Math.min(left, LOOK);
      for (let i = 0; i < count; i++) {
        const number = done + 1;
        if (gaps.length === 0) gaps.push({ from: 0, number });
        const bad = decodeRow(rows, cursor, block, number);
        done = number;
        if (bad !== undefined) {
          refused.push(bad);
          gaps.push({ from: rows.length, number: number + 1 });
        }
      }
      left -= count;
      if (left > 0 && rows.byteLength >= 2 * batchBytes) yield batchItem(undefined);
    }
    if (cursor.at !== cursor.end)
      throw atBlock(
        damaged(`its ${block.rows} rows end at byte ${cursor.at} of ${cursor.end}`),
        block.offset,
      );
    const position = { block: block.end, rows: done };
    if (refused.length > 0) {
      if (rows.length > 0) yield batchItem(undefined);
      else gaps = [];
      yield { refused, position };
      refused = [];
    } else if (rows.byteLength >= batchBytes) yield batchItem(position);
    if (rows.length === 0) gaps = [];
    last = position;
  }
  if (rows.length > 0) yield batchItem(last);
}

function decodeRow(
  rows: RowDecoder,
  cursor: AvroCursor,
  { offset }: AvroBlock,
  number: number,
): RefusedRow | undefined {
  try {
    return rows.row(cursor, number);
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
    if (error instanceof RangeError) throw atBlock(damaged(`row ${number}: ${error.message}`), offset);
    throw code === "ALV_FILE_INVALID" ? atBlock(damaged(`row ${number}: ${String(message)}`), offset) : error;
  }
}

function decodePosition(since: Json | undefined, path: string): AvroPosition | undefined {
  if (since === undefined) return undefined;
  const { block, rows } = since as { readonly block?: unknown; readonly rows?: unknown };
  if (Number.isSafeInteger(block) && Number.isSafeInteger(rows))
    return { block: block as number, rows: rows as number };
  throw new AlluviumError(
    "ALV_STATE_MISMATCH",
    `${path}: ${JSON.stringify(since)} is no position in an Avro file. Was the table read in another format before? Refresh it`,
    { step: "read" },
  );
}

function readFailure(error: unknown, path: string): unknown {
  if (!AlluviumError.is(error) || error.code !== "ALV_FILE_INVALID") return error;
  return new AlluviumError(
    "ALV_SOURCE_DATA",
    `${path}: ${error.message}. Put a whole file in its place, or exclude it`,
    { cause: error, step: "read" },
  );
}
