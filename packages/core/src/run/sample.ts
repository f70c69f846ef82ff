import type { Batch } from "../columns/batch.ts";
import { rowsOf } from "../columns/rows.ts";
import type { Capabilities } from "../destination.ts";
import type { Stream } from "../stream.ts";
import type { Emit } from "./emitter.ts";
import type { ReportBuilder } from "./report-builder.ts";
import { createSpelling } from "./spelling.ts";

/** What sampling needs of its run. */
export interface SampleOptions {
  readonly limit: number;
  readonly only: readonly string[] | undefined;
  readonly window: { readonly since?: unknown; readonly until?: unknown } | undefined;
  readonly capabilities: Capabilities;
  readonly budget: number;
  readonly reading: AbortSignal;
  readonly ending: AbortSignal;
  readonly emit: Emit;
  readonly report: ReportBuilder;
}

/** Reads about so many rows of each table into the report, one stream after another; the destination is not touched. */
export async function sampleStreams(streams: readonly Stream[], options: SampleOptions): Promise<void> {
  const { report } = options;
  for (const stream of streams) {
    const rows = new Map<string, object[]>();
    for (const description of stream.tables) {
      if (options.only !== undefined && !options.only.includes(description.name)) continue;
      const { table } = createSpelling(description, options.capabilities);
      report.table(description.name, table, stream.name, description.disposition.kind);
      rows.set(description.name, []);
    }
    await sampleStream(stream, rows, options);
    for (const [resource, taken] of rows) report.sample(resource, taken);
  }
}

async function sampleStream(
  stream: Stream,
  rows: ReadonlyMap<string, object[]>,
  options: SampleOptions,
): Promise<void> {
  const { limit, ending, reading } = options;
  const stop = new AbortController();
  const onStop = (): void => stop.abort(reading.reason);
  if (reading.aborted) return;
  reading.addEventListener("abort", onStop, { once: true });
  try {
    const items = stream.read({
      signal: stop.signal,
      since: undefined,
      ...(options.window === undefined ? {} : { window: options.window }),
      limit,
      budget: options.budget,
      attempt: 1,
      emit: options.emit,
    });
    for await (const item of items) {
      if ("checkpoint" in item) continue;
      const taken = rows.get(item.table);
      if (taken !== undefined) take(item.batch, taken, limit);
      if ([...rows.values()].every(({ length }) => length >= limit)) break;
    }
  } catch (error) {
    ending.throwIfAborted();
    if (!reading.aborted) throw error;
  } finally {
    reading.removeEventListener("abort", onStop);
    stop.abort(new Error("the sample is complete"));
  }
}

function take(batch: Batch, taken: object[], limit: number): void {
  for (const row of rowsOf(batch)) {
    if (taken.length >= limit) return;
    taken.push(row);
  }
}
