import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { AddressInfo } from "node:net";
import { crc32Text, readBody } from "./body.ts";
import { S3Failure } from "./failure.ts";
import { Objects, type StoredObject } from "./objects.ts";
import { checkSignature, type Account } from "./signature.ts";
import { element, textOf, xml } from "./xml.ts";

/** A request as faults and tests see it. */
export interface S3Request {
  /** From 0. */
  readonly index: number;
  /** `GetObject`, `PutObject`, `UploadPart` … */
  readonly operation: string;
  readonly key: string;
  /** Whether it has a condition. */
  readonly conditional: boolean;
  /** What a listing is of. */
  readonly prefix: string | undefined;
  /** Bytes of the answer's body. */
  readonly sent: number;
}

/**
 * What goes wrong with a request: `slowDown` and `conflict` are refused before anything is done (503, 409); `reset` breaks the connection before, `lost`
 * after it is done; `failed` answers a copy or the end of an upload with 200 and an error in the body, and nothing is done; `cut` gives half of the body,
 * `slow` one in pieces, `stall` half of it and then nothing.
 */
export type S3Fault = "slowDown" | "conflict" | "reset" | "lost" | "failed" | "cut" | "slow" | "stall";

/** What S3 answers with 200 before it is done, so that an error comes in the body. */
const belated: ReadonlySet<string> = new Set(["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"]);

export interface S3ServerOptions {
  readonly faults?: (request: S3Request) => S3Fault | undefined;
  /** Takes no notice of `If-None-Match`, as old servers. @default false */
  readonly unconditional?: boolean;
  /** The server's clock, for objects and answers; signatures are looked at by the real time. @default () => new Date() */
  readonly clock?: () => Date;
  /** Called within a copy of an object, when the original is read and the copy not yet there. */
  readonly midCopy?: (request: S3Request) => void | Promise<void>;
  /** Bytes of the largest object that is copied in one request. @default 5_368_709_120 */
  readonly mostCopied?: number;
  /** Milliseconds between two pieces of a slow body. @default 20 */
  readonly pause?: number;
}

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly account: Account;
  readonly requests: readonly S3Request[];
  readonly objects: Objects;
}

/** The one bucket that it has. */
export const BUCKET = "lake";

/**
 * A server of the S3 protocol for tests: signatures, chunked bodies, checksums, listings, uploads in parts and conditions as AWS documents them, and faults
 * on demand. On the loopback only.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
export async function startS3(options: S3ServerOptions = {}): Promise<S3Server> {
  const account = { accessKeyId: "AKIATEST", secretAccessKey: "a secret of tests" };
  const { clock = () => new Date() } = options;
  const objects = new Objects(clock);
  const requests: S3Request[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => request.socket.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = parse(request);
    const { operation, key } = call;
    const conditional = header(request, "if-none-match") !== undefined;
    const prefix = call.query.get("prefix") ?? undefined;
    const seen = { index: requests.length, operation, key, conditional, prefix, sent: 0 };
    requests.push(seen);
    const fault = options.faults?.(seen);
    try {
      if (fault === "reset") return void request.socket.destroy();
      const signed = checkSignature(request, account, new Date());
      const body = await readBody(request, signed);
      if (fault === "slowDown") throw new S3Failure(503, "SlowDown", "Please reduce your request rate.");
      if (fault === "conflict")
        throw new S3Failure(409, "ConditionalRequestConflict", "A conflicting operation occurred.");
      if (call.bucket !== BUCKET)
        throw new S3Failure(404, "NoSuchBucket", "The specified bucket does not exist");
      const done = await handle(call, request, body, seen, fault);
      if (fault === "lost") return void request.socket.destroy();
      seen.sent = request.method === "HEAD" ? 0 : (done.body?.length ?? 0);
      await send(response, done, request.method === "HEAD", fault);
    } catch (error) {
      if (!(error instanceof S3Failure)) throw error;
      const text = xml(element("Error", element("Code", error.code), element("Message", error.message)));
      const isHead = request.method === "HEAD" || error.status === 304;
      response.writeHead(error.status, { "content-type": "application/xml", "x-amz-request-id": "test" });
      response.end(isHead ? undefined : text);
    }
  }

  async function send(
    response: ServerResponse,
    { status = 200, headers = {}, body = Buffer.alloc(0) }: Done,
    isHead: boolean,
    fault: S3Fault | undefined,
  ): Promise<void> {
    response.writeHead(status, {
      "x-amz-request-id": "test",
      date: clock().toUTCString(),
      "content-length": body.length,
      ...headers,
    });
    if (isHead) return void response.end();
    const half = body.subarray(0, body.length >> 1);
    switch (fault) {
      case "cut":
        response.write(half);
        await sleep(5);
        response.destroy();
        return;
      case "stall":
        response.write(half);
        return;
      case "slow":
        for (let at = 0; at < body.length; at += Math.ceil(body.length / 4)) {
          response.write(body.subarray(at, at + Math.ceil(body.length / 4)));
          await sleep(options.pause ?? 20);
        }
        response.end();
        return;
      default:
        response.end(body);
    }
  }

  async function handle(
    { operation, key, query }: Call,
    request: IncomingMessage,
    body: Buffer,
    seen: S3Request,
    fault: S3Fault | undefined,
  ): Promise<Done> {
    if (fault === "failed" && belated.has(operation)) {
      const message = element("Message", "We encountered an internal error. Please try again.");
      return { body: Buffer.from(xml(element("Error", element("Code", "InternalError"), message))) };
    }
    const conditions = {
      ifNoneMatch: options.unconditional === true ? undefined : header(request, "if-none-match"),
      ifMatch: header(request, "if-match"),
    };
    switch (operation) {
      case "HeadBucket":
        return {};
      case "ListObjectsV2":
        return listing(query);
      case "GetObject":
      case "HeadObject":
        return reading(objects.get(key), header(request, "range"), conditions.ifMatch);
      case "PutObject":
        return { headers: { etag: objects.put(key, [body], kept(request), conditions).etag } };
      case "CopyObject": {
        const original = sourceOf(request);
        if (original.size > (options.mostCopied ?? 5_368_709_120))
          throw new S3Failure(
            400,
            "InvalidRequest",
            "The specified copy source is larger than the maximum allowable size for a copy source",
          );
        await options.midCopy?.(seen);
        const { etag, modified } = objects.put(key, [original.bytes], copied(original, request), conditions);
        const parts = [element("LastModified", modified.toISOString()), element("ETag", etag)];
        return { body: Buffer.from(xml(element("CopyObjectResult", ...parts))) };
      }
      case "UploadPartCopy": {
        const { bytes } = sourceOf(request);
        const match = /^bytes=(\d+)-(\d+)$/.exec(header(request, "x-amz-copy-source-range") ?? "");
        const [first, last] = match === null ? [0, bytes.length - 1] : [Number(match[1]), Number(match[2])];
        if (first > last || last >= bytes.length)
          throw new S3Failure(400, "InvalidArgument", "The range is not valid for the source object");
        const part = bytes.subarray(first, last + 1);
        const etag = objects.putPart(key, query.get("uploadId")!, Number(query.get("partNumber")), part);
        const parts = [element("LastModified", clock().toISOString()), element("ETag", etag)];
        return { body: Buffer.from(xml(element("CopyPartResult", ...parts))) };
      }
      case "DeleteObject":
        objects.delete(key);
        return { status: 204 };
      case "DeleteObjects": {
        const keys = textOf(body.toString(), "Key");
        if (keys.length > 1000) throw new S3Failure(400, "MalformedXML", "at most 1000 keys");
        for (const each of keys) objects.delete(each);
        return { body: Buffer.from(xml(element("DeleteResult"))) };
      }
      case "CreateMultipartUpload": {
        const id = objects.startUpload(key, kept(request));
        const text = element(
          "InitiateMultipartUploadResult",
          element("Bucket", BUCKET),
          element("Key", key),
          element("UploadId", id),
        );
        return { body: Buffer.from(xml(text)) };
      }
      case "UploadPart": {
        const etag = objects.putPart(key, query.get("uploadId")!, Number(query.get("partNumber")), body);
        return { headers: { etag } };
      }
      case "CompleteMultipartUpload": {
        const text = body.toString();
        const etags = textOf(text, "ETag");
        const parts = textOf(text, "PartNumber").map((number, i) => ({
          number: Number(number),
          etag: etags[i]!,
        }));
        const { etag } = objects.completeUpload(key, query.get("uploadId")!, parts, conditions);
        const result = element("CompleteMultipartUploadResult", element("Key", key), element("ETag", etag));
        return { body: Buffer.from(xml(result)) };
      }
      case "AbortMultipartUpload":
        objects.abortUpload(key, query.get("uploadId")!);
        return { status: 204 };
      default:
        throw new S3Failure(501, "NotImplemented", `${request.method} ${request.url} is not implemented`);
    }
  }

  /** The object that a copy is of. */
  function sourceOf(request: IncomingMessage): StoredObject {
    const [bucket, ...key] = decodeURIComponent(header(request, "x-amz-copy-source")!)
      .replace(/^\//, "")
      .split("/");
    if (bucket !== BUCKET) throw new S3Failure(404, "NoSuchBucket", "The specified bucket does not exist");
    const found = objects.get(key.join("/"));
    const ifMatch = header(request, "x-amz-copy-source-if-match");
    if (ifMatch !== undefined && ifMatch !== found.etag)
      throw new S3Failure(412, "PreconditionFailed", "the object is another one");
    return found;
  }

  function listing(query: URLSearchParams): Done {
    const prefix = query.get("prefix") ?? "";
    const token = query.get("continuation-token");
    const after = token === null ? (query.get("start-after") ?? "") : Buffer.from(token, "base64").toString();
    const count = Math.min(1000, Number(query.get("max-keys") ?? 1000));
    const { found, more } = objects.list(prefix, after, count);
    const isEncoded = query.get("encoding-type") === "url";
    const key = (text: string): string =>
      isEncoded ? encodeURIComponent(text).replaceAll("%2F", "/") : text;
    const contents = found.map((each) =>
      element(
        "Contents",
        element("Key", key(each.key)),
        element("LastModified", each.modified.toISOString()),
        element("ETag", each.etag),
        element("Size", String(each.size)),
        element("StorageClass", "STANDARD"),
      ),
    );
    const last = found.at(-1);
    const next =
      more && last ? [element("NextContinuationToken", Buffer.from(last.key).toString("base64"))] : [];
    const parts = [
      element("Name", BUCKET),
      element("Prefix", key(prefix)),
      element("KeyCount", String(found.length)),
      element("MaxKeys", String(count)),
      element("IsTruncated", String(more)),
    ];
    return { body: Buffer.from(xml(element("ListBucketResult", ...parts, ...next, ...contents))) };
  }

  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    account,
    requests,
    objects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

interface Done {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

interface Call {
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

function parse(request: IncomingMessage): Call {
  const { pathname, searchParams: query } = new URL(request.url!, "http://localhost");
  const [, bucket = "", ...rest] = pathname.split("/");
  const key = decodeURIComponent(rest.join("/"));
  const has = (name: string): boolean => query.has(name);
  const isCopy = request.headers["x-amz-copy-source"] !== undefined;
  const operations: { readonly [method: string]: string } =
    key === ""
      ? { HEAD: "HeadBucket", GET: "ListObjectsV2", POST: has("delete") ? "DeleteObjects" : "?" }
      : {
          GET: "GetObject",
          HEAD: "HeadObject",
          PUT: has("uploadId")
            ? isCopy
              ? "UploadPartCopy"
              : "UploadPart"
            : isCopy
              ? "CopyObject"
              : "PutObject",
          DELETE: has("uploadId") ? "AbortMultipartUpload" : "DeleteObject",
          POST: has("uploads") ? "CreateMultipartUpload" : "CompleteMultipartUpload",
        };
  return { operation: operations[request.method!] ?? "?", bucket, key, query };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return value === undefined ? undefined : String(value);
}

/** Headers of a put that come back with the object. */
function kept(request: IncomingMessage): Readonly<Record<string, string>> {
  const names = Object.keys(request.headers).filter(
    (name) =>
      name.startsWith("x-amz-meta-") ||
      name.startsWith("x-amz-server-side-encryption") ||
      name === "content-type",
  );
  return Object.fromEntries(names.map((name) => [name, header(request, name)!]));
}

/** Headers of a copy: those of the original, but for its encryption, which the request says. */
function copied({ headers }: StoredObject, request: IncomingMessage): Readonly<Record<string, string>> {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith("x-amz-server-side-encryption"));
  const asked = Object.entries(kept(request)).filter(([name]) =>
    name.startsWith("x-amz-server-side-encryption"),
  );
  return Object.fromEntries([...own, ...asked]);
}

/** Source: https://www.rfc-editor.org/rfc/rfc9110#name-range */
function reading(
  { bytes, etag, modified, headers }: StoredObject,
  range: string | undefined,
  ifMatch: string | undefined,
): Done {
  if (ifMatch !== undefined && ifMatch !== etag)
    throw new S3Failure(412, "PreconditionFailed", "the object is another one");
  const common = { ...headers, etag, "last-modified": modified.toUTCString(), "accept-ranges": "bytes" };
  if (range === undefined)
    return { headers: { ...common, "x-amz-checksum-crc32": crc32Text(bytes) }, body: bytes };
  const match = /^bytes=(\d*)-(\d*)$/.exec(range);
  if (match === null) return { headers: common, body: bytes };
  const [, from = "", to = ""] = match;
  const { length } = bytes;
  const start = from === "" ? Math.max(0, length - Number(to)) : Number(from);
  const end = from === "" || to === "" ? length : Math.min(length, Number(to) + 1);
  if (start >= length || (from === "" && Number(to) === 0))
    throw new S3Failure(416, "InvalidRange", "The requested range is not satisfiable");
  return {
    status: 206,
    headers: { ...common, "content-range": `bytes ${start}-${end - 1}/${length}` },
    body: bytes.subarray(start, end),
  };
}
