import type { SourceContext, SourceSession } from "@alluvium/core";
import { describeTable } from "./described.ts";
import { checkOptions, type CheckedOptions } from "./options.ts";
import { openPlace } from "./place.ts";
import { createStream } from "./stream.ts";

/** Opens the source: checks the options. The place is first asked when a table is read. */
export async function openSession(options: CheckedOptions, { only }: SourceContext): Promise<SourceSession> {
  checkOptions(options);
  const store = openPlace(options);
  const tables = Object.entries(options.tables).map(([name, table]) =>
    describeTable(name, table, options, store),
  );
  // A name that does not exist is for the run to refuse, which then sees all there are.
  const isKnown = only?.every((name) => tables.some((table) => table.name === name)) ?? false;
  const chosen = isKnown ? tables.filter(({ name }) => only!.includes(name)) : tables;
  return { streams: chosen.map(createStream), async [Symbol.asyncDispose]() {} };
}
