import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import { S3Failure } from "./failure.ts";
import { chunkSignature, type Signed } from "./signature.ts";

/** Reads the whole body of a request, decoded and checked against everything that the request says of it. */
export async function readBody(request: IncomingMessage, signed: Signed): Promise<Buffer> {
  const { payload } = signed;
  const pieces: Buffer[] = [];
  const hash = /^[0-9a-f]{64}$/.test(payload) ? createHash("sha256") : undefined;
  for await (const piece of request as AsyncIterable<Buffer>) {
    pieces.push(piece);
    hash?.update(piece);
  }
  const raw = Buffer.concat(pieces);
  const trailers = new Map<string, string>();
  let body: Buffer = raw;
  if (payload.startsWith("STREAMING-")) body = decodeChunks(raw, signed, trailers);
  else if (payload !== "UNSIGNED-PAYLOAD" && payload !== hash?.digest("hex"))
    throw new S3Failure(400, "XAmzContentSHA256Mismatch", "the body does not fit its hash");
  const { headers } = request;
  const decoded = headers["x-amz-decoded-content-length"];
  if (decoded !== undefined && Number(decoded) !== body.length)
    throw new S3Failure(400, "IncompleteBody", "the body does not have its length");
  const md5 = headers["content-md5"];
  if (md5 !== undefined && md5 !== createHash("md5").update(body).digest("base64"))
    throw new S3Failure(400, "BadDigest", "the body does not fit its MD5");
  const trailer = headers["x-amz-trailer"];
  if (trailer !== undefined && !trailers.has(String(trailer)))
    throw new S3Failure(400, "MalformedTrailerError", `the trailer ${String(trailer)} is missing`);
  checkSum("x-amz-checksum-crc32", () => crc32Text(body));
  checkSum("x-amz-checksum-sha256", () => createHash("sha256").update(body).digest("base64"));
  return body;

  function checkSum(name: string, sum: () => string): void {
    const said = trailers.get(name) ?? headers[name];
    if (said !== undefined && said !== sum())
      throw new S3Failure(400, "BadDigest", `the body does not fit its ${name}`);
  }
}

/** CRC-32 of bytes as S3 says it. */
export function crc32Text(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString("base64");
}

/**
 * A body in chunks of `aws-chunked`, with or without signatures, and what stands after the last one.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
function decodeChunks(raw: Buffer, signed: Signed, trailers: Map<string, string>): Buffer {
  const isSigned = signed.payload.startsWith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  const pieces: Buffer[] = [];
  let previous = signed.signature;
  let at = 0;
  const line = (): string => {
    const end = raw.indexOf("\r\n", at);
    if (end < 0) throw new S3Failure(400, "IncompleteBody", "a chunk has no end");
    const text = raw.toString("latin1", at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const match = /^([0-9a-fA-F]+)(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line());
    if (match === null) throw new S3Failure(400, "InvalidChunkSizeError", "a chunk does not say its size");
    const size = Number.parseInt(match[1]!, 16);
    const chunk = raw.subarray(at, at + size);
    if (chunk.length !== size) throw new S3Failure(400, "IncompleteBody", "a chunk is cut");
    if (isSigned) {
      const signature = chunkSignature(signed, previous, chunk);
      if (signature !== match[2])
        throw new S3Failure(403, "SignatureDoesNotMatch", "a chunk's signature does not fit");
      previous = signature;
    }
    at += size;
    if (size === 0) break;
    pieces.push(chunk);
    if (raw.toString("latin1", at, at + 2) !== "\r\n")
      throw new S3Failure(400, "IncompleteBody", "a chunk has no end");
    at += 2;
  }
  while (at < raw.length) {
    const text = line();
    const colon = text.indexOf(":");
    if (colon > 0) trailers.set(text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim());
  }
  return Buffer.concat(pieces);
}
