import { setTimeout as wait } from "node:timers/promises";
import type { Disposition, Source, Stream, StreamItem, TableDescription } from "@alluvium/core";
import { batchOf } from "@alluvium/core/testing";

/** A stream whose rows are the numbers from 0 to `rows`, and whose cursor is how many have been read. */
export interface Script {
  readonly name: string;
  readonly rows: number;
  /** Rows a batch. @default 1 */
  readonly batch?: number;
  /** Rows between checkpoints; 0: it offers none. @default 1 */
  readonly every?: number;
  readonly disposition?: Disposition;
  /** Rows come from the newest to the oldest, and only the end is a checkpoint. */
  readonly newestFirst?: boolean;
  /** Waits before each item, in milliseconds. */
  readonly pace?: number;
  readonly identity?: string;
  /** Called before each item, with the number of rows yielded so far; may throw or wait. */
  readonly onItem?: (at: number, attempt: number, signal: AbortSignal) => void | Promise<void>;
  readonly acknowledge?: (cursor: number) => void;
  readonly describe?: Partial<TableDescription>;
}

const int64 = { kind: "int64" } as const;

/** A source of scripted streams, each with one table of its own name and one column `id`. */
export function scriptedSource(scripts: readonly Script[]): Source & { readonly reads: string[] } {
  const reads: string[] = [];
  return {
    specVersion: 1,
    name: "scripted",
    reads,
    open: async () => ({
      streams: scripts.map((script) => streamOf(script, reads)) as readonly Stream[],
      async [Symbol.asyncDispose]() {
        reads.push("closed");
      },
    }),
  };
}

function streamOf(script: Script, reads: string[]): Stream<number> {
  const { name, rows, batch = 1, every = 1, pace } = script;
  const { acknowledge } = script;
  return {
    name,
    ...(script.identity === undefined ? {} : { identity: script.identity }),
    tables: [
      {
        name,
        schema: { fields: [{ name: "id", type: int64, nullable: true }] },
        primaryKey: [],
        disposition: script.disposition ?? { kind: "append" },
        partitionBy: [],
        ...script.describe,
      },
    ],
    cursor: { version: 1, encode: (at) => at, decode: (at) => Number(at) },
    ...(acknowledge === undefined ? {} : { acknowledge: async (cursor) => acknowledge(cursor) }),
    async *read({ since, attempt, signal, window }): AsyncGenerator<StreamItem<number>> {
      reads.push(`${name} from ${since ?? "start"}`);
      const item = async (at: number): Promise<void> => {
        if (pace !== undefined) await wait(pace, undefined, { signal });
        await script.onItem?.(at, attempt, signal);
      };
      if (window !== undefined) {
        const [start, end] = [Number(window.since ?? 0), Number(window.until ?? rows)];
        yield { table: name, batch: batchOf({ id: [int64, range(start, end)] }) };
        return;
      }
      if (script.newestFirst === true) {
        for (let at = rows; at > (since ?? 0); at -= batch) {
          await item(rows - at);
          const low = Math.max(since ?? 0, at - batch);
          yield { table: name, batch: batchOf({ id: [int64, range(low, at)] }) };
        }
        yield { checkpoint: rows };
        return;
      }
      let offered = since ?? 0;
      for (let at = since ?? 0; at < rows;) {
        await item(at);
        const end = Math.min(rows, at + batch);
        yield { table: name, batch: batchOf({ id: [int64, range(at, end)] }) };
        at = end;
        if (every > 0 && at - offered >= every) {
          await item(at);
          yield { checkpoint: at };
          offered = at;
        }
      }
      if (every > 0 && (offered < rows || rows === (since ?? 0))) yield { checkpoint: rows };
    },
  };
}

function range(start: number, end: number): bigint[] {
  return Array.from({ length: end - start }, (_, i) => BigInt(start + i));
}
