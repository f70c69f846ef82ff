import { damaged } from "./cursor.ts";

/** Bytes that come in pieces, taken in parts of any size. */
export interface ByteStream extends AsyncDisposable {
  /** Bytes taken so far, counted from where the stream began in the file. */
  readonly offset: number;
  /** The next `count` bytes, which must be there. */
  take(count: number): Promise<Uint8Array>;
  /** A number as Avro writes it; `undefined` at the end of the bytes. */
  long(): Promise<number | undefined>;
}

/** The bytes of an iteration; `start`: where in the file they begin. */
export function byteStream(pieces: AsyncIterable<Uint8Array>, start: number): ByteStream {
  const iterator = pieces[Symbol.asyncIterator]();
  let offset = start;
  let held: Uint8Array = new Uint8Array(0);
  let at = 0;
  const more = async (): Promise<boolean> => {
    while (at === held.length) {
      const next = await iterator.next();
      if (next.done === true) return false;
      held = next.value;
      at = 0;
    }
    return true;
  };
  return {
    get offset() {
      return offset;
    },
    async take(count) {
      if (count <= held.length - at) {
        const part = held.subarray(at, at + count);
        at += count;
        offset += count;
        return part;
      }
      // What is said of a size is not believed before the bytes are there.
      const parts: Uint8Array[] = [];
      for (let left = count; left > 0;) {
        if (!(await more())) throw damaged("the file is cut off here");
        const part = held.subarray(at, at + left);
        at += part.length;
        left -= part.length;
        parts.push(part);
      }
      offset += count;
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts, count);
    },
    async long() {
      let value = 0;
      for (let scale = 1, bytes = 0; ; scale *= 128, bytes++) {
        if (!(await more())) {
          if (bytes === 0) return undefined;
          throw damaged("the file is cut off here");
        }
        const byte = held[at++]!;
        offset++;
        value += (byte & 127) * scale;
        if (byte < 128) break;
        if (bytes > 6) throw damaged("a size is too large");
      }
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    },
    async [Symbol.asyncDispose]() {
      await iterator.return?.();
    },
  };
}
