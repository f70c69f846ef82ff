import type { Batch } from "../columns/batch.ts";
import type { Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import type { ColumnType, Schema } from "../schema/types.ts";
import { type ChunkParts, PressureGauge, type StoredPage } from "./chunk.ts";
import { codecOf, compressor, type Compression } from "./compression.ts";
import { encodeFooter, type WrittenChunk, type WrittenGroup } from "./footer.ts";
import { MAGIC, Physical } from "./format.ts";
import { LeafWriter } from "./leaf-writer.ts";
import { Scratch } from "./scratch.ts";
import { type ShapeNode, shapeOf } from "./shape.ts";
import { shred, unexpectedNull } from "./shred.ts";
import { PieceWriter } from "./piece-writer.ts";
import { type LeafSummary, SummaryBuilder } from "./summary.ts";

/** How {@link createParquetEncoder} writes a file. */
export interface ParquetEncoderOptions {
  /** The columns. Fields of type `null` (and what consists only of such) are left out of the file, because they have no type yet. */
  readonly schema: Schema;
  /** Takes the file's bytes in order, in pieces of up to a few MiB; the next piece comes when the promise resolves. */
  readonly sink: (bytes: Uint8Array) => Promise<void>;
  /**
   * The sink is done with a piece when its promise resolves, so that the piece's memory may be used for the next one. Large files are
   * written with less work for the collector then. @default false
   */
  readonly reusePieces?: boolean;
  /** @default "zstd" */
  readonly compression?: Compression;
  /** zstd 1–22, gzip 1–9. @default 1 for zstd, 6 for gzip */
  readonly compressionLevel?: number;
  /** A row group ends when it has about this many bytes after compression; so much is held in memory. @default 16 MiB */
  readonly rowGroupBytes?: number;
  /** A row group has at most this many rows. @default 1 048 576 */
  readonly rowGroupRows?: number;
  /** A page ends when its values, stored plainly, would take this many bytes. @default 512 KiB */
  readonly pageBytes?: number;
  /** A page has at most about this many values. @default 65 536 */
  readonly pageValues?: number;
  /**
   * Whether dictionaries may be used, for all columns or by path (`a`, `a.list.element`). Each column chunk decides by its own first
   * values whether one pays. @default true
   */
  readonly dictionary?: boolean | Readonly<Record<string, boolean>>;
  /**
   * Whether integers may be stored as packed differences (DELTA_BINARY_PACKED) and text as packed lengths and bytes
   * (DELTA_LENGTH_BYTE_ARRAY). Read, in data pages of version 1, by Spark 4 with and without its vectorised reader, pyarrow 26,
   * DuckDB 1.5 and hyparquet 1.31 when this was decided. `false` is for readers that know only PLAIN and dictionaries (Spark
   * before 3.3). `"text"`: text only. @default true
   */
  readonly delta?: boolean | "text";
  /**
   * Whether the least and the greatest value of each column chunk are found and stored. Files that are read once as a whole need none.
   * @default true
   */
  readonly bounds?: boolean;
  /** Whether each page carries a CRC-32 of its bytes. @default false */
  readonly pageChecksums?: boolean;
  /** Pairs for the footer. */
  readonly keyValueMetadata?: Readonly<Record<string, string>>;
  /** Who wrote the file, as the footer says. @default "alluvium version 1.0.0" */
  readonly createdBy?: string;
  /** Stops the encoder: calls that wait or come after throw its reason. */
  readonly signal?: AbortSignal;
}

/** What {@link ParquetEncoder.close} tells of the file. */
export interface ParquetSummary {
  readonly rows: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly rowGroups: number;
  /** One per leaf column, over the whole file. */
  readonly columns: readonly LeafSummary[];
}

/** Writes one Parquet file. Calls must not overlap. */
export interface ParquetEncoder extends AsyncDisposable {
  /** Takes a batch; resolves when there is room for more. The batch's arrays are free to be used again then. */
  write(batch: Batch): Promise<void>;
  /** Bytes of memory held: pages that wait to be written or compressed, open pages, dictionaries. */
  readonly bufferedBytes: number;
  /** Rows taken so far. */
  readonly rows: number;
  /** About how large the file would be if it were closed now. */
  readonly estimatedBytes: number;
  /** Bytes that the open row group has so far, dictionaries included, before compression: {@link endRowGroup} frees them. */
  readonly openGroupBytes: number;
  /** Ends the row group before it is full, also while a write waits; resolves when the sink has taken it. */
  endRowGroup(): Promise<void>;
  /** Writes the rest and the footer. The sink's last promise has resolved when this does. */
  close(): Promise<ParquetSummary>;
}

const MIB = 1 << 20;
const CREATED_BY = "alluvium version 1.0.0";
// Uncompressed bytes that may wait for the compressor before `write` waits.
const MAX_WAITING = 8 * MIB;

/**
 * Writes batches to a Parquet file in bounded memory: pages are encoded as batches arrive, compressed in other threads meanwhile, and
 * held until their row group is complete. Data pages are of version 1 and types carry their older annotations too, so that every
 * common reader can read the file. Statistics are exact.
 *
 * Errors: `ALV_ROW_INVALID` for a null in a column that allows none, `ALV_CONFIG` for wrong options, whatever the sink throws.
 * After an error the encoder must not be used again. Disposing it without `close` gives up the file.
 *
 * @example
 * ```ts
 * const pieces: Uint8Array[] = [];
 * const encoder = createParquetEncoder({ schema, sink: async (bytes) => void pieces.push(bytes) });
 * for await (const batch of batches) await encoder.write(batch);
 * const { rows, columns } = await encoder.close();
 * ```
 */
export function createParquetEncoder(options: ParquetEncoderOptions): ParquetEncoder {
  return new Encoder(options);
}

class Encoder implements ParquetEncoder {
  rows = 0;
  private readonly options: ParquetEncoderOptions;
  private readonly roots: readonly (ShapeNode | undefined)[];
  private readonly shape: ReturnType<typeof shapeOf>;
  private readonly leaves: readonly LeafWriter[];
  private readonly gauge = new PressureGauge();
  private readonly out: PieceWriter;
  private readonly codec: number;
  private readonly rowGroupBytes: number;
  private readonly rowGroupRows: number;
  private readonly groups: WrittenGroup[] = [];
  private readonly summary: SummaryBuilder;
  private groupRows = 0;
  /** Bytes of all pages when the row group began. */
  private groupStart = 0;
  /** Bytes of the row group that is being written. */
  private flushing: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;
  private ended = false;

  constructor(options: ParquetEncoderOptions) {
    const { schema, compression = "zstd", compressionLevel, pageChecksums = false } = options;
    this.options = options;
    this.rowGroupBytes = positive("rowGroupBytes", options.rowGroupBytes, 16 * MIB);
    this.rowGroupRows = positive("rowGroupRows", options.rowGroupRows, MIB);
    this.shape = shapeOf(schema);
    this.roots = this.shape.roots;
    if (this.shape.leaves.length === 0)
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        "a Parquet file needs at least one column whose type is known; this schema has none",
      );
    const context = {
      compressor: compressor(compression, compressionLevel),
      checksums: pageChecksums,
      gauge: this.gauge,
      scratch: new Scratch(),
      pageBytes: positive("pageBytes", options.pageBytes, MIB / 2),
      pageSlots: positive("pageValues", options.pageValues, 1 << 16),
    };
    this.codec = codecOf(compression);
    this.leaves = this.shape.leaves.map(
      (leaf) =>
        new LeafWriter(
          leaf,
          {
            dictionary: wantsDictionary(options.dictionary, leaf.path),
            delta: options.delta === "text" ? leaf.physical === Physical.byteArray : (options.delta ?? true),
            bounds: options.bounds ?? true,
          },
          context,
        ),
    );
    this.summary = new SummaryBuilder(this.shape.leaves);
    this.out = new PieceWriter(options.sink, options.reusePieces ?? false);
  }

  get bufferedBytes(): number {
    const { gauge, leaves, out } = this;
    let sum = gauge.waiting + gauge.held + out.held;
    for (const leaf of leaves) sum += leaf.memory;
    return sum;
  }

  get openGroupBytes(): number {
    let sum = this.gauge.encoded - this.groupStart;
    for (const leaf of this.leaves) sum += leaf.chunkBytes;
    return sum;
  }

  get estimatedBytes(): number {
    return this.out.position + this.openBytes() + 1024 + 64 * this.leaves.length * (this.groups.length + 1);
  }

  async write(batch: Batch): Promise<void> {
    this.usable();
    checkBatch(this.options.schema, batch);
    let start = 0;
    while (start < batch.length) {
      const end = Math.min(batch.length, start + this.rowGroupRows - this.groupRows);
      this.append(batch, start, end);
      start = end;
      if (this.groupRows >= this.rowGroupRows || this.openBytes() >= this.rowGroupBytes)
        await this.endGroup();
      else if (this.gauge.waiting > MAX_WAITING) await this.breathe();
      this.usable();
    }
  }

  async endRowGroup(): Promise<void> {
    this.usable();
    if (this.groupRows > 0) await this.endGroup();
    await this.afterwards(() => this.out.flush());
    this.usable();
  }

  async close(): Promise<ParquetSummary> {
    this.usable();
    this.ended = true;
    if (this.groupRows > 0) await this.endGroup();
    await this.flushing;
    this.usable(true);
    const { options, shape, rows, groups, out } = this;
    // A file without rows still begins with the magic.
    if (out.position === 0) await out.write(MAGIC);
    await out.write(
      encodeFooter({
        shape,
        rows,
        groups,
        createdBy: options.createdBy ?? CREATED_BY,
        keyValueMetadata: options.keyValueMetadata ?? {},
      }),
    );
    await out.flush();
    return { rows, bytes: out.position, rowGroups: groups.length, columns: this.summary.finish() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ended = true;
    await this.flushing;
  }

  private append(batch: Batch, start: number, end: number): void {
    const { roots, leaves } = this;
    for (let i = 0; i < roots.length; i++) {
      const node = roots[i];
      if (node === undefined) continue;
      const vector = batch.columns[i]!;
      if (node.kind === "leaf") {
        const rows = knownLayout(vector, node);
        if (vector.nullCount > 0 && !node.field.nullable) throw unexpectedNull(node);
        leaves[node.leaf.index]!.appendFlat(rows, start, end);
      } else for (const part of shred(node, vector, start, end)) leaves[part.leaf.index]!.appendNested(part);
    }
    this.rows += end - start;
    this.groupRows += end - start;
  }

  /** Bytes of the open row group after compression, as far as known: what is not compressed yet is estimated. */
  private openBytes(): number {
    let open = 0;
    for (const leaf of this.leaves) open += leaf.openBytes;
    return this.gauge.held + this.gauge.estimate(open);
  }

  /** Closes the row group and writes it in the background; waits for the one before. */
  private async endGroup(): Promise<void> {
    const rows = this.groupRows;
    this.groupRows = 0;
    const chunks = this.leaves.map((leaf) => leaf.endChunk());
    // The promises are awaited one after the other; none may count as unhandled meanwhile.
    for (const chunk of chunks) chunk.catch(() => {});
    this.groupStart = this.gauge.encoded;
    const before = this.flushing;
    void this.afterwards(() => this.writeGroup(rows, chunks));
    await before;
    // A little of the next group may be encoded while this one is written; more would double the memory.
    await Promise.race([this.flushing, nextTurn()]);
  }

  /** Writes when what was begun before is written: a group may be ended while a write waits in the middle of one. */
  private afterwards(write: () => Promise<void>): Promise<void> {
    this.flushing = (this.flushing ?? Promise.resolve()).then(write).catch((error: unknown) => {
      this.failure ??= { error };
    });
    return this.flushing;
  }

  private async writeGroup(rows: number, chunks: readonly Promise<ChunkParts>[]): Promise<void> {
    const { out, gauge } = this;
    if (out.position === 0) await out.write(MAGIC);
    const offset = out.position;
    const written: WrittenChunk[] = [];
    for (const promise of chunks) {
      const chunk = await promise;
      const dictionaryOffset = chunk.dictionary && out.position;
      let uncompressed = 0;
      const start = out.position;
      const put = async ({ header, body, size }: StoredPage): Promise<void> => {
        uncompressed += header.length + size;
        await out.write(header);
        await out.write(body);
        gauge.held -= body.length;
      };
      if (chunk.dictionary) await put(chunk.dictionary);
      const dataOffset = out.position;
      for (const page of chunk.pages) await put(page);
      this.summary.add(chunk, uncompressed, out.position - start);
      written.push({
        leaf: chunk.leaf,
        codec: this.codec,
        values: chunk.values,
        nulls: chunk.nulls,
        bounds: chunk.bounds,
        encodings: chunk.encodings,
        dictionaryOffset,
        dataOffset,
        uncompressed,
        compressed: out.position - start,
      });
    }
    this.groups.push({ rows, offset, chunks: written });
  }

  /** Lets the compressor catch up. */
  private async breathe(): Promise<void> {
    while (this.gauge.waiting > MAX_WAITING / 2) {
      await this.gauge.next();
      for (const leaf of this.leaves) leaf.check();
      this.options.signal?.throwIfAborted();
    }
  }

  private usable(closing: boolean = false): void {
    this.options.signal?.throwIfAborted();
    if (this.failure !== undefined) throw this.failure.error;
    if (this.ended && !closing)
      throw new AlluviumError("ALV_INTERNAL", "the Parquet encoder was used after it was closed");
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function positive(name: string, value: number | undefined, standard: number): number {
  if (value === undefined) return standard;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new AlluviumError("ALV_CONFIG", `${name} is ${value}; it must be a whole number above 0`);
}

function wantsDictionary(option: ParquetEncoderOptions["dictionary"], path: readonly string[]): boolean {
  if (typeof option === "object") return option[path.join(".")] ?? option[path[0]!] ?? true;
  return option ?? true;
}

/** A vector of unknown type in a column of known type holds only nulls. */
function knownLayout(vector: Vector, node: ShapeNode): Vector {
  if (vector.layout !== "null") return vector;
  if (vector.length > 0 && !node.field.nullable) throw unexpectedNull(node);
  return vector;
}

function checkBatch(schema: Schema, { schema: given, columns }: Batch): void {
  if (given === schema) return;
  const { fields } = schema;
  if (columns.length === fields.length && fields.every((field, i) => fits(field.type, columns[i]!.type)))
    return;
  const list = ({ fields }: Schema) => fields.map(({ name, type }) => `${name} ${type.kind}`).join(", ");
  throw new AlluviumError(
    "ALV_INTERNAL",
    `a batch with the columns ${list(given)} came to a file with the columns ${list(schema)}`,
  );
}

function fits(type: ColumnType, given: ColumnType): boolean {
  if (given.kind === "null") return true;
  if (type.kind !== given.kind) return false;
  if (type.kind === "decimal" && given.kind === "decimal")
    return type.precision === given.precision && type.scale === given.scale;
  return true;
}
