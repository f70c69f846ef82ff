import { createHash, randomUUID } from "node:crypto";
import { compareBytewise } from "../../packages/core/src/storage/path.ts";
import { S3Failure } from "./failure.ts";

/** An object as the server keeps it. */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** What was uploaded in parts is joined when it is asked for: to complete an upload takes no time, as at S3. */
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modified: Date;
  /** `x-amz-meta-…`, encryption and the like: headers that come back. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Conditions of a put. */
export interface Conditions {
  readonly ifNoneMatch?: string | undefined;
  readonly ifMatch?: string | undefined;
}

interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>;
}

const LEAST_PART = 5 * 1024 * 1024;

/** The objects of one bucket and the uploads under way. Every method is one step. */
export class Objects {
  readonly #objects = new Map<string, StoredObject>();
  readonly #uploads = new Map<string, Upload>();
  readonly #clock: () => Date;

  constructor(clock: () => Date) {
    this.#clock = clock;
  }

  get uploads(): number {
    return this.#uploads.size;
  }

  get(key: string): StoredObject {
    const found = this.#objects.get(key);
    if (found === undefined) throw new S3Failure(404, "NoSuchKey", "The specified key does not exist.");
    return found;
  }

  put(
    key: string,
    content: readonly [Buffer, ...Buffer[]],
    headers: Readonly<Record<string, string>>,
    conditions: Conditions,
    etag: string = md5(content[0]),
  ): StoredObject {
    this.#check(key, conditions);
    const modified = new Date(Math.floor(this.#clock().getTime() / 1000) * 1000);
    let pieces: readonly Buffer[] = content;
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const stored = {
      key,
      size,
      get bytes(): Buffer {
        if (pieces.length > 1) pieces = [Buffer.concat(pieces)];
        return pieces[0]!;
      },
      etag: `"${etag}"`,
      modified,
      headers,
    };
    this.#objects.set(key, stored);
    return stored;
  }

  delete(key: string): void {
    this.#objects.delete(key);
  }

  /** Keys with a prefix, after one, in byte order; `more`: there are others behind them. */
  list(
    prefix: string,
    after: string,
    count: number,
  ): { readonly found: readonly StoredObject[]; readonly more: boolean } {
    const keys = [...this.#objects.keys()]
      .filter((key) => key.startsWith(prefix) && (after === "" || compareBytewise(key, after) > 0))
      .sort(compareBytewise);
    return { found: keys.slice(0, count).map((key) => this.#objects.get(key)!), more: keys.length > count };
  }

  startUpload(key: string, headers: Readonly<Record<string, string>>): string {
    const id = randomUUID();
    this.#uploads.set(id, { key, headers, parts: new Map() });
    return id;
  }

  putPart(key: string, id: string, number: number, bytes: Buffer): string {
    if (!(number >= 1 && number <= 10_000))
      throw new S3Failure(400, "InvalidArgument", "part numbers are 1 to 10000");
    const etag = `"${md5(bytes)}"`;
    this.#upload(key, id).parts.set(number, { bytes, etag });
    return etag;
  }

  abortUpload(key: string, id: string): void {
    this.#upload(key, id);
    this.#uploads.delete(id);
  }

  completeUpload(
    key: string,
    id: string,
    named: readonly { readonly number: number; readonly etag: string }[],
    conditions: Conditions,
  ): StoredObject {
    const upload = this.#upload(key, id);
    if (named.length === 0) throw new S3Failure(400, "MalformedXML", "there are no parts");
    const parts = named.map(({ number, etag }, i) => {
      const part = upload.parts.get(number);
      if (part === undefined || part.etag !== etag)
        throw new S3Failure(400, "InvalidPart", `part ${number} is not there`);
      if (i > 0 && named[i - 1]!.number >= number)
        throw new S3Failure(400, "InvalidPartOrder", "parts are out of order");
      if (i < named.length - 1 && part.bytes.length < LEAST_PART)
        throw new S3Failure(400, "EntityTooSmall", `part ${number} is smaller than 5 MiB`);
      return part.bytes;
    });
    const digests = named.map(({ etag }) => Buffer.from(etag.slice(1, -1), "hex"));
    const stored = this.put(
      key,
      parts as [Buffer, ...Buffer[]],
      upload.headers,
      conditions,
      `${md5(Buffer.concat(digests))}-${named.length}`,
    );
    this.#uploads.delete(id);
    return stored;
  }

  #upload(key: string, id: string): Upload {
    const upload = this.#uploads.get(id);
    if (upload === undefined || upload.key !== key)
      throw new S3Failure(404, "NoSuchUpload", "The specified upload does not exist.");
    return upload;
  }

  #check(key: string, { ifNoneMatch, ifMatch }: Conditions): void {
    const there = this.#objects.get(key);
    if (ifNoneMatch !== undefined && ifNoneMatch !== "*")
      throw new S3Failure(501, "NotImplemented", "If-None-Match takes * only");
    if (ifNoneMatch === "*" && there !== undefined)
      throw new S3Failure(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
      );
    if (ifMatch === undefined) return;
    if (there === undefined) throw new S3Failure(404, "NoSuchKey", "The specified key does not exist.");
    if (there.etag !== ifMatch)
      throw new S3Failure(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
      );
  }
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
