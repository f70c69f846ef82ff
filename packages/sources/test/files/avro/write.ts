import { deflateRawSync, zstdCompressSync, crc32 } from "node:zlib";
import avsc, { type Type } from "avsc";

/** A type that another implementation makes of a schema. */
export function typeOf(schema: unknown, logicalTypes: Readonly<Record<string, unknown>> = {}): Type {
  return avsc.Type.forSchema(schema as never, { logicalTypes: logicalTypes as never, wrapUnions: false });
}

const packs: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  null: (bytes) => bytes,
  deflate: (bytes) => deflateRawSync(bytes),
  zstandard: (bytes) => zstdCompressSync(bytes),
  snappy(bytes) {
    const check = Buffer.alloc(4);
    check.writeUInt32BE(crc32(bytes));
    return Buffer.concat([literals(bytes), check]);
  },
};

/** A Snappy block of literals alone. */
function literals(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let size = bytes.length;
  for (; size > 127; size >>>= 7) parts.push(Buffer.of((size & 127) | 128));
  parts.push(Buffer.of(size));
  for (let at = 0; at < bytes.length; at += 60) {
    const part = bytes.subarray(at, at + 60);
    parts.push(Buffer.of((part.length - 1) << 2), part);
  }
  return Buffer.concat(parts);
}

/** A number as Avro writes it. */
export function long(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Bytes with their length in front. */
export function sized(bytes: Uint8Array | string): Buffer {
  const buffer = Buffer.from(bytes as string);
  return Buffer.concat([long(buffer.length), buffer]);
}

/** A file of blocks whose rows are encoded already. */
export function fileOf(
  schema: unknown,
  blocks: readonly (readonly Uint8Array[])[],
  { codec = "null", sync = Buffer.alloc(16, 0x5a) }: { readonly codec?: string; readonly sync?: Buffer } = {},
): Buffer {
  const parts = [
    Buffer.from("Obj\u0001"),
    long(2),
    sized("avro.schema"),
    sized(JSON.stringify(schema)),
    sized("avro.codec"),
    sized(codec),
    long(0),
    sync,
  ];
  for (const rows of blocks) {
    const packed = packs[codec]?.(Buffer.concat(rows)) ?? Buffer.concat(rows);
    parts.push(long(rows.length), long(packed.length), packed, sync);
  }
  return Buffer.concat(parts);
}
