import { AlluviumError } from "../errors.ts";
import { after, FREE, workplace } from "./kernel.ts";

/**
 * Snappy's block format: decompression, of which the loop is a kernel.
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */

/** What the kernel returns in place of an address. */
const damages: readonly string[] = [
  "",
  "it ends within a literal",
  "a literal is too long",
  "it ends within a copy",
  "a copy points outside of it",
];

/** Decompresses a block that unpacks to exactly `size` bytes, in memory of `take`; anything else is `ALV_FILE_INVALID`. */
export function snappyDecompress(
  input: Uint8Array,
  size: number,
  take: (size: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array {
  let at = 0;
  let announced = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = input[at++];
    if (byte === undefined || shift > 28) throw damaged("its length cannot be read");
    announced += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (announced !== size) throw damaged(`it announces ${announced} bytes where ${size} are expected`);
  // At best three bytes stand for 64: more than that is made up, and gets no memory.
  if (size > input.length * 22 + 64) throw damaged(`${input.length} bytes cannot unpack to ${size}`);
  const output = after(input.length);
  const { kernel, bytes } = workplace(output - FREE + size);
  bytes.set(input, FREE);
  // Addresses are unsigned, but come back signed; they are larger than what stands for damage.
  const stopped = kernel.decompress(FREE + at, FREE + input.length, output, output + size) >>> 0;
  const damage = damages[stopped];
  if (damage !== undefined) throw damaged(damage);
  if (stopped !== output + size)
    throw damaged(`it unpacks to ${stopped - output} bytes where ${size} are expected`);
  const out = take(size);
  out.set(bytes.subarray(output, output + size));
  return out;
}

function damaged(what: string): AlluviumError {
  return new AlluviumError("ALV_FILE_INVALID", `the Snappy block is damaged: ${what}`);
}
