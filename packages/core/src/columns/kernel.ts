import { Buffer } from "node:buffer";

/** Memory of a kernel. What `buffer` was is detached when it grows. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB. */
  grow(pages: number): number;
}

/** What is used of WebAssembly: its types come with browsers', which are not for here. */
interface Engine {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
}

const modules = new Map<string, object>();

/**
 * Functions compiled to WebAssembly, over a memory of their own: for the few loops over bytes in which a load spends its time.
 * `code` is the module as base64, compiled once per process however many instances there are. Every call gives an instance with memory of its
 * own; it goes when nobody holds it any more. `Exports` is believed.
 *
 * @example
 * ```ts
 * import { instantiate, type KernelMemory } from "@alluvium/core/columns";
 *
 * // (module (memory (export "memory") 1))
 * const { memory } = instantiate<{ readonly memory: KernelMemory }>("AGFzbQEAAAAFAwEAAQcKAQZtZW1vcnkCAA==");
 * console.log(memory.buffer.byteLength); // 65536
 * ```
 */
export function instantiate<Exports extends object>(code: string): Exports {
  const { WebAssembly: engine } = globalThis as unknown as { readonly WebAssembly: Engine };
  let module = modules.get(code);
  if (module === undefined) modules.set(code, (module = new engine.Module(Buffer.from(code, "base64"))));
  return new engine.Instance(module).exports as Exports;
}

const PAGE = 1 << 16;
/** More than this is not kept: such memory cannot shrink. */
const KEPT = 8 << 20;

/** Gives instances of one kernel with memory up to an address: the one that is kept, or one of its own where that is much. */
export function kernelPlace<Exports extends { readonly memory: KernelMemory }>(
  code: string,
): (end: number) => Exports {
  let kept: Exports | undefined;
  return (end) => {
    const kernel = end > KEPT ? instantiate<Exports>(code) : (kept ??= instantiate<Exports>(code));
    const missing = end - kernel.memory.buffer.byteLength;
    if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE));
    return kernel;
  };
}
