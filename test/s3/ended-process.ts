import { AlluviumError } from "@alluvium/core";
import { startS3, type S3Fault, type S3Server } from "./server.ts";

/** A process that ends at one of its requests. */
export interface EndedProcess {
  /** Number of the request, from 0. */
  readonly last: number;
  /** What becomes of it. No later one of the process gets through. */
  readonly fault: S3Fault;
  /** What the process does; errors of ours are its end. */
  readonly process: (server: S3Server) => Promise<unknown>;
  /** What another one does when the lease of the first has run out. */
  readonly another: (server: S3Server) => Promise<void>;
}

/** Lets a process end at a request on a server of its own, and another go on. */
export async function endAtRequest({ last, fault, process, another }: EndedProcess): Promise<void> {
  let alive = true;
  let later = 0;
  await using server = await startS3({
    clock: () => new Date(Date.now() + later),
    faults({ index }) {
      if (!alive || index < last) return undefined;
      return index === last ? fault : "reset";
    },
  });
  try {
    await process(server);
  } catch (error) {
    if (!AlluviumError.is(error)) throw error;
  }
  alive = false;
  later = 20_000;
  await another(server);
}
