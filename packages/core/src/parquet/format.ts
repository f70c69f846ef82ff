/**
 * Numbers of the Parquet format.
 * Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */

/** How values are stored. */
export const Physical = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  byteArray: 6,
  fixed: 7,
} as const;
/** One of {@link Physical}. */
export type Physical = (typeof Physical)[keyof typeof Physical];

/** Whether a field occurs once, at most once, or any number of times. */
export const Repetition = { required: 0, optional: 1, repeated: 2 } as const;

/** The older annotation of types, written beside the logical type for readers that know no other. */
export const Converted = {
  utf8: 0,
  map: 1,
  mapKeyValue: 2,
  list: 3,
  enum: 4,
  decimal: 5,
  date: 6,
  timeMillis: 7,
  timeMicros: 8,
  timestampMillis: 9,
  timestampMicros: 10,
  uint8: 11,
  uint16: 12,
  uint32: 13,
  uint64: 14,
  int8: 15,
  int16: 16,
  int32: 17,
  int64: 18,
  json: 19,
  bson: 20,
  interval: 21,
} as const;

/** Field numbers of the union `LogicalType`. */
export const Logical = {
  string: 1,
  map: 2,
  list: 3,
  enum: 4,
  decimal: 5,
  date: 6,
  time: 7,
  timestamp: 8,
  integer: 10,
  unknown: 11,
  json: 12,
  bson: 13,
  uuid: 14,
  float16: 15,
} as const;

/** Field numbers of the union `TimeUnit`. */
export const TimeUnit = { millis: 1, micros: 2, nanos: 3 } as const;

/** How the values of a page are laid out. */
export const Encoding = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  bitPacked: 4,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
} as const;
/** One of {@link Encoding}. */
export type Encoding = (typeof Encoding)[keyof typeof Encoding];

/** How the bytes of a page are compressed. */
export const Codec = {
  none: 0,
  snappy: 1,
  gzip: 2,
  lzo: 3,
  brotli: 4,
  lz4: 5,
  zstd: 6,
  lz4Raw: 7,
} as const;

/** Kinds of pages. */
export const PageType = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;

/** Opens and ends every file: `PAR1`. */
export const MAGIC: Uint8Array = Uint8Array.of(0x50, 0x41, 0x52, 0x31);

/** The name that goes with a number of one of the tables above, for messages. */
export function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(table).find((name) => table[name] === value) ?? `number ${value}`;
}
