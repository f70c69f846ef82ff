import type { Batch } from "../columns/batch.ts";
import { AlluviumError } from "../errors.ts";
import type { Schema } from "../schema/types.ts";
import { assemble } from "./assemble.ts";
import type { Nanoseconds } from "./dense.ts";
import type { ParquetSummary } from "./encoder.ts";
import { MAGIC } from "./format.ts";
import { invalid, located } from "./invalid.ts";
import { type LeafReadOptions, LeafReader, type LeafRows } from "./leaf-reader.ts";
import {
  type ParquetMetadata,
  type ParquetRowGroup,
  type ParsedFooter,
  parseFooter,
  type StoredChunk,
} from "./metadata.ts";
import { openRanges } from "./ranges.ts";
import { lentMemory, takeOwn, type TakeMemory } from "./page-memory.ts";
import type { ParquetSource } from "./source.ts";
import type { Leaf, ShapeNode } from "./shape.ts";
import { summaryOf } from "./footer-summary.ts";

/** How {@link openParquet} opens a file. */
export interface OpenParquetOptions {
  /** What to call the file in errors. @default "the Parquet file" */
  readonly name?: string;
  /**
   * What becomes of nanosecond times (and INT96) that lie between two microseconds: the microsecond below, or
   * `ALV_VALUE_UNREPRESENTABLE`. @default "floor"
   */
  readonly nanoseconds?: Nanoseconds;
  /** Stops opening. */
  readonly signal?: AbortSignal;
}

/** What {@link ParquetFile.read} reads. */
export interface ReadParquetOptions {
  /** Names of the top-level columns, which come in this order. @default all of them */
  readonly columns?: readonly string[];
  /** Numbers of the row groups, which come in this order. @default all of them */
  readonly rowGroups?: readonly number[];
  /** Most rows of a batch. @default 16 384 */
  readonly batchRows?: number;
  /** Whether text that is stored by dictionary comes as dictionary vectors; `all`: numbers as well. @default false */
  readonly dictionaries?: boolean | "all";
  /**
   * Called after the last batch of each row group with what takes back the memory of that group's batches, to be called in turn when nobody reads them any
   * more: large files are read with less work for the collector then. @default the memory is the caller's
   */
  readonly onGroupRead?: (release: () => void) => void;
  /** Stops reading: the iteration throws its reason. */
  readonly signal?: AbortSignal;
}

/** An open Parquet file. It holds the footer, nothing else: there is nothing to close. */
export interface ParquetFile {
  readonly metadata: ParquetMetadata;
  /** The columns as they are read; see the type mapping of {@link openParquet}. */
  readonly schema: Schema;
  readonly rowGroups: readonly ParquetRowGroup[];
  /**
   * What the footer knows of each leaf over the whole file, from the statistics of its row groups. Bounds are there only where every
   * row group has them, and may be cut (`minTruncated`, `maxTruncated`). A leaf whose nulls are not counted is left out.
   */
  summary(): ParquetSummary;
  /** The rows, in batches. Several iterations may run at once. */
  read(options?: ReadParquetOptions): AsyncIterable<Batch>;
}

const TAIL = 1 << 16;
const BATCH_ROWS = 16_384;

/**
 * Opens a Parquet file by its footer. Reads what this package writes and what common writers write: data pages of both versions, all
 * encodings, no compression, Snappy, gzip, zstd, brotli and both forms of LZ4, lists of two and three levels, INT96. Integers
 * without sign come in the next wider type (`uint64` as `decimal(20, 0)`), 16-bit floats as `float32`, milliseconds as microseconds,
 * times without annotation of their zone as `utc`, INTERVAL and BSON as `binary`.
 *
 * Errors: `ALV_FILE_INVALID` for a damaged file, naming column and offset; `ALV_UNSUPPORTED` for an encoding, compression, encryption
 * or type that cannot be read, by name; whatever the source throws.
 *
 * @example
 * ```ts
 * const file = await openParquet(bytesSource(bytes), { name: "orders.parquet" });
 * for await (const batch of file.read({ columns: ["id", "total"] })) console.log(batch.length);
 * ```
 */
export async function openParquet(
  source: ParquetSource,
  options: OpenParquetOptions = {},
): Promise<ParquetFile> {
  const { name = "the Parquet file", signal, nanoseconds = "floor" } = options;
  signal?.throwIfAborted();
  let footer: ParsedFooter;
  try {
    footer = parseFooter(await readFooter(source), source.byteLength);
  } catch (error) {
    throw located(error, name);
  }
  signal?.throwIfAborted();
  const { metadata, shape, groups } = footer;
  return {
    metadata,
    schema: shape.schema,
    rowGroups: groups,
    summary: () => summaryOf(footer, source.byteLength),
    read: (read = {}) => readRows(source, footer, { name, nanoseconds, ...read }),
  };
}

async function readFooter(source: ParquetSource): Promise<Uint8Array> {
  const { byteLength } = source;
  if (byteLength < 12) throw invalid(`it has ${byteLength} bytes; no Parquet file is that short`);
  const tailStart = Math.max(0, byteLength - TAIL);
  const tail = await source.slice(tailStart, byteLength);
  if (tail.length !== byteLength - tailStart)
    throw invalid(`it gave ${tail.length} bytes where ${byteLength - tailStart} were asked for`);
  const magic = String.fromCharCode(...tail.subarray(tail.length - 4));
  if (magic === "PARE")
    throw new AlluviumError("ALV_UNSUPPORTED", "its footer is encrypted, which cannot be read");
  if (!tail.subarray(tail.length - 4).every((byte, i) => byte === MAGIC[i]))
    throw invalid(`it ends with ${JSON.stringify(magic)} instead of "PAR1": no Parquet file, or cut off`);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const length = view.getUint32(tail.length - 8, true);
  if (length > byteLength - 12)
    throw invalid(`its footer is said to have ${length} bytes, more than the file's ${byteLength}`);
  const start = byteLength - 8 - length;
  if (start >= tailStart) return tail.subarray(start - tailStart, tail.length - 8);
  const footer = await source.slice(start, byteLength - 8);
  if (footer.length !== length) throw invalid(`it gave ${footer.length} bytes of a footer of ${length}`);
  return footer;
}

interface Reading extends ReadParquetOptions {
  readonly name: string;
  readonly nanoseconds: Nanoseconds;
}

async function* readRows(
  source: ParquetSource,
  footer: ParsedFooter,
  options: Reading,
): AsyncGenerator<Batch> {
  const { name, nanoseconds, dictionaries = false, batchRows = BATCH_ROWS, onGroupRead, signal } = options;
  if (!(batchRows > 0))
    throw new AlluviumError("ALV_CONFIG", `batchRows is ${batchRows}; it must be above 0`);
  const { shape, groups } = footer;
  const roots = chosenRoots(shape.roots, options.columns, name);
  const schema: Schema =
    options.columns === undefined ? shape.schema : { fields: roots.map(({ field }) => field) };
  const leaves = roots.flatMap(leavesOf);
  for (const index of options.rowGroups ?? groups.keys()) {
    const group = groups[index];
    if (group === undefined)
      throw new AlluviumError("ALV_CONFIG", `${name} has no row group ${index}; it has ${groups.length}`);
    if (group.rows === 0) continue;
    signal?.throwIfAborted();
    const chunks = leaves.map((leaf) => group.columns[leaf.index]!);
    const [stored, decoded] = onGroupRead === undefined ? [] : [lentMemory(), lentMemory()];
    const call: LeafReadOptions = { name, nanoseconds, dictionaries, take: decoded?.take ?? takeOwn };
    const readers = await openReaders(source, footer, leaves, chunks, call, stored?.take);
    for (let done = 0; done < group.rows;) {
      signal?.throwIfAborted();
      const length = Math.min(batchRows, group.rows - done);
      const parts = await Promise.all(readers.map((reader) => reader.read(length)));
      const rowsOf = new Map<number, LeafRows>(leaves.map((leaf, i) => [leaf.index, parts[i]!]));
      const columns = roots.map((root) => {
        const vector = assembled(root, (leaf) => rowsOf.get(leaf.index)!, name);
        if (vector.length !== length)
          throw invalid(
            `${name}, column ${root.field.name}: ${vector.length} rows came where ${length} are expected`,
          );
        return vector;
      });
      done += length;
      yield { schema, length, columns };
    }
    // Vectors hold copies of what was stored.
    stored?.giveBack();
    if (decoded !== undefined) onGroupRead?.(decoded.giveBack);
  }
}

async function openReaders(
  source: ParquetSource,
  { shape }: ParsedFooter,
  leaves: readonly Leaf[],
  chunks: readonly StoredChunk[],
  options: LeafReadOptions,
  take: TakeMemory | undefined,
): Promise<LeafReader[]> {
  const ranges = await openRanges(source, chunks, take);
  return leaves.map((leaf, i) => new LeafReader(shape.leaves[leaf.index]!, chunks[i]!, ranges[i]!, options));
}

function assembled(root: ShapeNode, rowsOf: (leaf: Leaf) => LeafRows, name: string) {
  try {
    return assemble(root, rowsOf);
  } catch (error) {
    throw located(error, `${name}, column ${root.field.name}`);
  }
}

function chosenRoots(
  roots: readonly ShapeNode[],
  names: readonly string[] | undefined,
  file: string,
): readonly ShapeNode[] {
  if (names === undefined) return roots;
  // Of several with one name the first.
  const byName = new Map(roots.toReversed().map((root) => [root.field.name, root]));
  return names.map((name) => {
    const root = byName.get(name);
    if (root !== undefined) return root;
    const known = roots.map(({ field }) => field.name).join(", ");
    throw new AlluviumError("ALV_CONFIG", `${file} has no column ${JSON.stringify(name)}; it has ${known}`);
  });
}

function leavesOf(node: ShapeNode): readonly Leaf[] {
  switch (node.kind) {
    case "leaf":
      return [node.leaf];
    case "struct":
      return node.members.flatMap((member) => (member === undefined ? [] : leavesOf(member)));
    case "list":
      return leavesOf(node.element);
    case "map":
      return [...leavesOf(node.key), ...leavesOf(node.value)];
  }
}
