import { rowsOf } from "../columns/rows.ts";
import type { Capabilities } from "../destination.ts";
import type { Stream, StreamContext } from "../stream.ts";
import type { Emit } from "./emitter.ts";
import { readSome } from "./read-some.ts";
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
  options: SampleOptions,
): Promise<void> {
  const { limit, window, budget, ending, reading, emit } = options;
  const call = { since: undefined, window, limit, budget, ending, reading, emit };
  await readSome(stream, call, ({ table, batch }) => {
    const taken = rows.get(table);
    if (taken !== undefined) for (const row of rowsOf(batch)) if (taken.length < limit) taken.push(row);
    return [...rows.values()].every(({ length }) => length >= limit);
  });
}
