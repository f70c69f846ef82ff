import { crc32 } from "node:zlib";
import type { Compressor } from "./compression.ts";
import { giveBody } from "./page-memory.ts";
import { dataPageHeader, dictionaryPageHeader } from "./page-header.ts";
import type { Leaf } from "./shape.ts";
import type { Bounds } from "./statistics.ts";

/** Bytes under way in the compressor, for all columns of a file. */
export class PressureGauge {
  /** Uncompressed bytes that wait for the compressor. */
  waiting = 0;
  /** Compressed bytes that wait to be written. */
  held = 0;
  // What became of the pages so far: stored plainly, encoded, compressed.
  private plain = 0;
  /** Bytes of all pages so far, before compression. */
  encoded = 0;
  private left = 0;
  private stored = 0;
  private listener: (() => void) | undefined;

  /** Takes note of a page whose values would take `plain` bytes and take `encoded` before compression. */
  enter(plain: number, encoded: number): void {
    this.plain += plain;
    this.encoded += encoded;
  }

  /** About how many bytes the waiting pages, and pages that would take `open` bytes plainly, will have in the file. */
  estimate(open: number): number {
    // Before anything is known, half is a usual share.
    const compression = this.left === 0 ? 0.5 : this.stored / this.left;
    const encoding = this.plain === 0 ? 1 : this.encoded / this.plain;
    return compression * (this.waiting + encoding * open);
  }

  /** Resolves when one more page has left the compressor. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.listener = resolve));
  }

  /** Takes note that a page of `size` bytes has left the compressor with `stored` bytes. */
  leave(size: number, stored: number): void {
    this.waiting -= size;
    this.left += size;
    this.stored += stored;
    const { listener } = this;
    this.listener = undefined;
    listener?.();
  }
}

// A column whose pages do not shrink by this share is stored as it is, and tried again after some pages.
const WORTH = 0.03;
const TRY_AGAIN = 8;

/** A finished column chunk, ready to be written: what the footer says of it, and its bytes in order. */
export interface ChunkParts {
  readonly leaf: Leaf;
  /** Slots: values, nulls, empty lists. */
  readonly values: number;
  readonly nulls: number;
  readonly bounds: Bounds | undefined;
  readonly sawNaN: boolean;
  /** Data pages by encoding, and whether there is a dictionary page. */
  readonly encodings: ReadonlyMap<number, number>;
  readonly dictionary: StoredPage | undefined;
  readonly pages: readonly StoredPage[];
}

/** A page as it will stand in the file. */
export interface StoredPage {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  /** Size of the body before compression. */
  readonly size: number;
}

/** The pages of one column chunk, in order, while they are compressed beside the encoding. */
export class ChunkPages {
  private readonly leaf: Leaf;
  private readonly compressor: Compressor;
  private readonly checksums: boolean;
  private readonly gauge: PressureGauge;
  private pages: Promise<StoredPage>[] = [];
  private encodings = new Map<number, number>();
  private values = 0;
  private failure: unknown;
  /** Pages left to store without trying to compress them. */
  private passed = 0;

  constructor(leaf: Leaf, compressor: Compressor, checksums: boolean, gauge: PressureGauge) {
    this.leaf = leaf;
    this.compressor = compressor;
    this.checksums = checksums;
    this.gauge = gauge;
  }

  /** Takes the body of a data page with `slots` slots, of which it becomes the owner. */
  add(body: Uint8Array, encoding: number, slots: number): void {
    this.values += slots;
    this.encodings.set(encoding, (this.encodings.get(encoding) ?? 0) + 1);
    const page = this.store(body, (stored, crc) => dataPageHeader(slots, encoding, body.length, stored, crc));
    // It is awaited when the chunk ends; until then a failure must not count as unhandled.
    page.catch((error: unknown) => (this.failure ??= error));
    this.pages.push(page);
  }

  /** Throws what went wrong in the background, as soon as it is known. */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Ends the chunk and starts the next one. */
  async end(
    nulls: number,
    dictionary: { readonly bytes: Uint8Array; readonly count: number } | undefined,
    bounds: Bounds | undefined,
    sawNaN: boolean,
  ): Promise<ChunkParts> {
    const { leaf, pages, values, encodings } = this;
    this.pages = [];
    this.values = 0;
    this.encodings = new Map();
    const first =
      dictionary &&
      (await this.store(dictionary.bytes, (stored, crc) =>
        dictionaryPageHeader(dictionary.count, dictionary.bytes.length, stored, crc),
      ));
    return {
      leaf,
      values,
      nulls,
      bounds,
      sawNaN,
      encodings,
      dictionary: first,
      pages: await Promise.all(pages),
    };
  }

  private async store(
    body: Uint8Array,
    header: (stored: number, crc: number | undefined) => Uint8Array,
  ): Promise<StoredPage> {
    const { gauge } = this;
    const size = body.length;
    gauge.waiting += size;
    let stored: Uint8Array = body;
    try {
      if (size > 0) stored = await this.shrink(body);
    } finally {
      gauge.leave(size, stored.length);
    }
    // Done with, also where compressing made another one of it.
    if (stored.buffer !== body.buffer) giveBody(body);
    gauge.held += stored.length;
    const crc = this.checksums ? crc32(stored) : undefined;
    return { header: header(stored.length, crc), body: stored, size };
  }

  private async shrink(body: Uint8Array): Promise<Uint8Array> {
    const { compressor } = this;
    if (compressor.store !== undefined && this.passed > 0) {
      this.passed--;
      return compressor.store(body);
    }
    const stored = await compressor.compress(body);
    if (stored.length > body.length * (1 - WORTH) && body.length > 1024) this.passed = TRY_AGAIN - 1;
    return stored;
  }
}
