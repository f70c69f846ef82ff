import type { ObjectWriter } from "./store.ts";

/** The key of {@link AbandonableWriter}'s method. */
export const abandon: unique symbol = Symbol.for("@alluvium/core/storage/abandon");

/** A writer that can be left as a killed process leaves it. */
export interface AbandonableWriter extends ObjectWriter {
  /** Gives back what the process holds (a file descriptor) and leaves what stands in the store as it is. */
  [abandon](): Promise<void>;
}

/** Leaves a writer as a killed process leaves it: neither completed nor removed. For stores that break on purpose. */
export async function abandonWriter(writer: ObjectWriter | AbandonableWriter): Promise<void> {
  if (abandon in writer) await writer[abandon]();
}
