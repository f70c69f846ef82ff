import { Codec, Encoding, MAGIC, nameOf, Physical } from "./format.ts";
import { denseVector } from "./dense.ts";
import { invalid } from "./invalid.ts";
import { readSchema, type ReadShape } from "./read-schema.ts";
import type { ReadLeaf } from "./read-type.ts";
import { isText, type LeafStatistics, type ParquetValue } from "./statistics.ts";
import { takeOwn } from "./page-memory.ts";
import { decodeValues } from "./stored-values.ts";
import { valueOf } from "./vector-value.ts";
import {
  asStruct,
  bytesAt,
  countAt,
  EndOfBytes,
  listAt,
  numberAt,
  structAt,
  textAt,
  ThriftReader,
  type ThriftStruct,
} from "./thrift-reader.ts";

/** What a file's footer says of the whole. */
export interface ParquetMetadata {
  /** Version of the format by the footer's own account. */
  readonly version: number;
  readonly rows: number;
  /** Who wrote it, as far as it says. */
  readonly createdBy: string | undefined;
  readonly keyValueMetadata: Readonly<Record<string, string>>;
}

/** Some rows of a file, stored together. */
export interface ParquetRowGroup {
  readonly rows: number;
  /** One per leaf column of the file. */
  readonly columns: readonly ParquetChunk[];
}

/** One leaf column of one row group. */
export interface ParquetChunk {
  /** Names in the file from the column down. */
  readonly path: readonly string[];
  /** Name of the compression. */
  readonly compression: string;
  /** Names of the encodings in use. */
  readonly encodings: readonly string[];
  /** Values, nulls and empty lists. */
  readonly slots: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** What is known of the values; `nulls` may be unknown. Bounds that readers must not trust are left out. */
  readonly statistics: Partial<LeafStatistics>;
}

/** A chunk with what reading it takes. */
export interface StoredChunk extends ParquetChunk {
  readonly codec: number;
  /** First byte of the chunk in the file. */
  readonly start: number;
}

/** The footer, understood. */
export interface ParsedFooter {
  readonly metadata: ParquetMetadata;
  readonly shape: ReadShape;
  readonly groups: readonly (ParquetRowGroup & { readonly columns: readonly StoredChunk[] })[];
}

/** Understands a footer's metadata; `fileBytes` is the size of the file, which bounds what can be true. */
export function parseFooter(bytes: Uint8Array, fileBytes: number): ParsedFooter {
  let footer: ThriftStruct;
  try {
    footer = new ThriftReader(bytes).struct();
  } catch (error) {
    if (error instanceof EndOfBytes) throw invalid("the metadata in the footer is cut off");
    throw error;
  }
  const shape = readSchema(listAt(footer, 2, "the schema"));
  // Bounds count only where the footer says by which order they were found.
  const ordered = listAt(footer, 7, "the column orders").length === shape.leaves.length;
  const groups = listAt(footer, 4, "the row groups").map((value, i) =>
    parseGroup(asStruct(value, "a row group"), i, shape, ordered, fileBytes),
  );
  const rows = groups.reduce((sum, group) => sum + group.rows, 0);
  const announced = countAt(footer, 3, "the number of rows");
  if (rows !== announced)
    throw invalid(`the row groups hold ${rows} rows where the footer says ${announced}`);
  const keyValueMetadata: Record<string, string> = {};
  for (const pair of listAt(footer, 5, "the key-value metadata")) {
    const entry = asStruct(pair, "a key-value pair");
    keyValueMetadata[textAt(entry, 1, "a key") ?? ""] = textAt(entry, 2, "a value") ?? "";
  }
  return {
    metadata: {
      version: numberAt(footer, 1, "the version") ?? 1,
      rows,
      createdBy: textAt(footer, 6, "the writer's name"),
      keyValueMetadata,
    },
    shape,
    groups,
  };
}

function parseGroup(
  group: ThriftStruct,
  index: number,
  shape: ReadShape,
  ordered: boolean,
  fileBytes: number,
): ParsedFooter["groups"][number] {
  const chunks = listAt(group, 1, "the columns of a row group");
  if (chunks.length !== shape.leaves.length)
    throw invalid(
      `row group ${index} has ${chunks.length} columns where the schema has ${shape.leaves.length}`,
    );
  return {
    rows: countAt(group, 3, `the number of rows of row group ${index}`),
    columns: chunks.map((chunk, i) =>
      parseChunk(asStruct(chunk, "a column of a row group"), shape.leaves[i]!, ordered, fileBytes),
    ),
  };
}

function parseChunk(chunk: ThriftStruct, leaf: ReadLeaf, ordered: boolean, fileBytes: number): StoredChunk {
  const name = leaf.path.join(".");
  if (chunk[1] !== undefined && textAt(chunk, 1, "a file path") !== "")
    throw invalid(`column ${name} stands in another file, ${String(textAt(chunk, 1, "a file path"))}`);
  const meta = structAt(chunk, 3, `the metadata of column ${name}`);
  if (meta === undefined) throw invalid(`column ${name} has no metadata; it may be encrypted`);
  if (numberAt(meta, 1, "a physical type") !== leaf.physical)
    throw invalid(`column ${name} is stored in another type than the schema says`);
  const data = countAt(meta, 9, `the offset of column ${name}`);
  const dictionary = numberAt(meta, 11, `the dictionary offset of column ${name}`);
  const compressedBytes = countAt(meta, 7, `the size of column ${name}`);
  const start = dictionary !== undefined && dictionary > 0 && dictionary < data ? dictionary : data;
  if (start < MAGIC.length || start + compressedBytes > fileBytes - 8)
    throw invalid(
      `column ${name} is said to take the bytes ${start} to ${start + compressedBytes} of a file of ${fileBytes}`,
    );
  const codec = numberAt(meta, 4, `the compression of column ${name}`) ?? Codec.none;
  const statistics = structAt(meta, 12, `the statistics of column ${name}`);
  return {
    path: leaf.path,
    compression: nameOf(Codec, codec),
    encodings: listAt(meta, 2, "the encodings").map((value) => nameOf(Encoding, Number(value))),
    slots: countAt(meta, 5, `the number of values of column ${name}`),
    compressedBytes,
    uncompressedBytes: countAt(meta, 6, `the size of column ${name}`),
    statistics: statistics === undefined ? {} : parseStatistics(statistics, leaf, ordered),
    codec,
    start,
  };
}

function parseStatistics(
  statistics: ThriftStruct,
  leaf: ReadLeaf,
  ordered: boolean,
): Partial<LeafStatistics> {
  const nulls = numberAt(statistics, 3, "a number of nulls");
  const counted = nulls === undefined || nulls < 0 ? {} : { nulls };
  // INT96 has no order. The older fields were found by signed bytes, which is right for numbers only.
  if (leaf.physical === Physical.int96) return counted;
  const legacy = isNumber(leaf);
  const max =
    (ordered ? bytesAt(statistics, 5, "a maximum") : undefined) ??
    (legacy ? bytesAt(statistics, 1, "a maximum") : undefined);
  const min =
    (ordered ? bytesAt(statistics, 6, "a minimum") : undefined) ??
    (legacy ? bytesAt(statistics, 2, "a minimum") : undefined);
  const high = max && boundOf(leaf, max);
  const low = min && boundOf(leaf, min);
  if (Number.isNaN(high) || Number.isNaN(low)) return counted;
  return {
    ...counted,
    ...(low !== undefined && { min: low === 0 && isFloat(leaf) ? -0 : low }),
    ...(high !== undefined && { max: high === 0 && isFloat(leaf) ? 0 : high }),
    ...(low !== undefined && statistics[8] === false && { minTruncated: true }),
    ...(high !== undefined && statistics[7] === false && { maxTruncated: true }),
  };
}

function isNumber({ physical, conversion }: ReadLeaf): boolean {
  if (conversion === "unsigned") return false;
  return (
    physical === Physical.int32 ||
    physical === Physical.int64 ||
    physical === Physical.float ||
    physical === Physical.double
  );
}

function isFloat({ type }: ReadLeaf): boolean {
  return type.kind === "float32" || type.kind === "float64";
}

/** A bound, which is a single PLAIN value without a length. One that is damaged is as good as none. */
function boundOf(leaf: ReadLeaf, bytes: Uint8Array): ParquetValue | undefined {
  const { type, physical, width } = leaf;
  if (physical === Physical.byteArray && (isText(type) || type.kind === "binary"))
    return new Uint8Array(bytes);
  try {
    const stored =
      physical === Physical.byteArray
        ? {
            kind: "bytes" as const,
            offsets: Int32Array.of(0, bytes.length),
            data: new Uint8Array(bytes),
          }
        : decodeValues(Encoding.plain, physical, width, bytes, 0, 1, takeOwn);
    return valueOf(denseVector(leaf, stored, 1, "floor"), 0);
  } catch {
    return undefined;
  }
}
