import { rowsOf } from "../columns/rows.ts";
import type { Capabilities } from "../destination.ts";
import type { Stream, StreamContext } from "../stream.ts";
import type { Emit } from "./emitter.ts";
import type { ReportBuilder } from "./report-builder.ts";
import { createSpelling } from "./spelling.ts";

/** What sampling needs of its run. */
export interface SampleOptions {
  readonly limit: number;
  readonly only: readonly string[] | undefined;
  readonly window: StreamContext["window"];
  readonly capabilities: Capabilities;
  readonly budget: number;
  readonly reading: AbortSignal;
  readonly ending: AbortSignal;
  readonly emit: Emit;
  readonly report: ReportBuilder;
}

/** Reads about so many rows of each table into the report, one stream after another; the destination is not touched. */
export async function sampleStreams(streams: readonly Stream[], options: SampleOptions): Promise<void> {
  const { report, only, capabilities } = options;
  for (const stream of streams) {
    const rows = new Map<string, object[]>();
    for (const description of stream.tables) {
      const { name, disposition } = description;
      if (only !== undefined && !only.includes(name)) continue;
      report.table(name, createSpelling(description, capabilities).table, stream.name, disposition.kind);
      rows.set(name, []);
    }
    await sampleStream(stream, rows, options);
    for (const [resource, taken] of rows) report.sample(resource, taken);
  }
}

async function sampleStream(
  stream: Stream,
  rows: ReadonlyMap<string, object[]>,
  { limit, window, budget, ending, reading, emit }: SampleOptions,
): Promise<void> {
  if (reading.aborted) return;
  const stop = new AbortController();
  const signal = AbortSignal.any([reading, stop.signal]);
  try {
    for await (const item of stream.read({
      signal,
      since: undefined,
      window,
      limit,
      budget,
      attempt: 1,
      emit,
    })) {
      if ("checkpoint" in item) continue;
      const taken = rows.get(item.table);
      if (taken !== undefined)
        for (const row of rowsOf(item.batch)) if (taken.length < limit) taken.push(row);
      if ([...rows.values()].every(({ length }) => length >= limit)) break;
    }
  } catch (error) {
    ending.throwIfAborted();
    if (!reading.aborted) throw error;
  } finally {
    stop.abort(new Error("the sample is complete"));
  }
}
