import { kernelPlace, type KernelMemory } from "../columns/kernel.ts";
import { AlluviumError } from "../errors.ts";
import { code } from "./snappy-kernel.ts";

/**
 * Snappy's block format: decompression, of which the loop is a kernel.
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */

/** See `kernels/snappy.ts`. */
interface SnappyKernel {
  readonly memory: KernelMemory;
  decompress(at: number, end: number, to: number, limit: number): number;
}

/** What the kernel returns in place of an address. */
const damages: readonly string[] = [
  "",
  "it ends within a literal",
  "a literal is too long",
  "it ends within a copy",
  "a copy points outside of it",
];

/** Where the input is: addresses are larger than what stands for damage. */
const INPUT = 1024;
/** The kernel copies by words of 16 bytes, the last one beyond the end. */
const SLACK = 16;
const kernelFor: (end: number) => SnappyKernel = kernelPlace<SnappyKernel>(code);

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
  const end = INPUT + input.length;
  const output = end + SLACK;
  const kernel = kernelFor(output + size + SLACK);
  const { buffer } = kernel.memory;
  new Uint8Array(buffer, INPUT, input.length).set(input);
  // Addresses are unsigned, but come back signed.
  const stopped = kernel.decompress(INPUT + at, end, output, output + size) >>> 0;
  const damage = damages[stopped];
  if (damage !== undefined) throw damaged(damage);
  if (stopped !== output + size)
    throw damaged(`it unpacks to ${stopped - output} bytes where ${size} are expected`);
  const out = take(size);
  out.set(new Uint8Array(buffer, output, size));
  return out;
}

function damaged(what: string): AlluviumError {
  return new AlluviumError("ALV_FILE_INVALID", `the Snappy block is damaged: ${what}`);
}
