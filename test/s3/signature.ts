import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { S3Failure } from "./failure.ts";

/** Who may ask. */
export interface Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a signed request says of its body. */
export interface Signed {
  /** `x-amz-content-sha256`. */
  readonly payload: string;
  readonly signature: string;
  readonly date: string;
  readonly scope: string;
  readonly key: Buffer;
}

const SKEW = 15 * 60_000;
const EMPTY = createHash("sha256").update("").digest("hex");

/**
 * Checks the signature of a request, strictly: every signed header must be there, host and all `x-amz-` headers must be signed, and the time must be near.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function checkSignature(request: IncomingMessage, account: Account, now: Date): Signed {
  const { authorization } = request.headers;
  if (authorization === undefined) throw new S3Failure(403, "AccessDenied", "the request is not signed");
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (match === null)
    throw new S3Failure(400, "AuthorizationHeaderMalformed", "the authorization header is malformed");
  const [, accessKeyId, day, region, signedHeaders, signature] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (accessKeyId !== account.accessKeyId)
    throw new S3Failure(403, "InvalidAccessKeyId", "the key is not known");
  const date = String(request.headers["x-amz-date"]);
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (time === null || !date.startsWith(day)) throw new S3Failure(403, "AccessDenied", "x-amz-date is wrong");
  const [year, month, dayOfMonth, hour, minute, second] = time.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (Math.abs(Date.UTC(year, month - 1, dayOfMonth, hour, minute, second) - now.getTime()) > SKEW)
    throw new S3Failure(403, "RequestTimeTooSkewed", "the time of the request is too far from the server's");

  const names = signedHeaders.split(";");
  if (!names.includes("host")) throw new S3Failure(403, "AccessDenied", "host is not signed");
  for (const name of Object.keys(request.headers))
    if (name.startsWith("x-amz-") && !names.includes(name))
      throw new S3Failure(403, "AccessDenied", `the header ${name} is not signed`);
  const headers = names.map((name) => {
    const value = request.headers[name];
    if (value === undefined)
      throw new S3Failure(403, "SignatureDoesNotMatch", `the signed header ${name} is missing`);
    return `${name}:${String(value).trim().replaceAll(/ +/g, " ")}\n`;
  });
  const payload = request.headers["x-amz-content-sha256"];
  if (typeof payload !== "string")
    throw new S3Failure(400, "InvalidRequest", "x-amz-content-sha256 is missing");

  const [path = "", query = ""] = request.url!.split("?") as [string?, string?];
  const canonical = [
    request.method,
    path,
    canonicalQuery(query),
    headers.join(""),
    signedHeaders,
    payload,
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`;
  const key = [day, region, "s3", "aws4_request"].reduce<Buffer | string>(
    (from, part) => hmac(from, part),
    `AWS4${account.secretAccessKey}`,
  ) as Buffer;
  if (!sameText(hmac(key, text).toString("hex"), signature))
    throw new S3Failure(403, "SignatureDoesNotMatch", "the signature does not fit the request");
  return { payload, signature, date, scope, key };
}

/**
 * The signature of a chunk of a body, by that of what came before.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export function chunkSignature({ date, scope, key }: Signed, previous: string, chunk: Uint8Array): string {
  const text = ["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, EMPTY, sha256(chunk)].join("\n");
  return hmac(key, text).toString("hex");
}

function canonicalQuery(query: string): string {
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => (part.includes("=") ? part : `${part}=`))
    .sort()
    .join("&");
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
