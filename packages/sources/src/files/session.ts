import type { SourceContext, SourceSession } from "@alluvium/core";
import { describeTable } from "./described.ts";
import { openHints } from "./hints.ts";
import { checkOptions, type CheckedOptions } from "./options.ts";
import { openPlace } from "./place.ts";
import { createStream } from "./stream.ts";

/** Opens the source: checks the options. The place is first asked when a table is read. */
export async function openSession(options: CheckedOptions, context: SourceContext): Promise<SourceSession> {
  const { only, isTrial = false } = context;
  checkOptions(options);
  const store = openPlace(options);
  const tables = Object.entries(options.tables).map(([name, table]) =>
    describeTable(name, table, options, store, context),
  );
  // A name that does not exist is for the run to refuse, which then sees all there are.
  const isKnown = only?.every((name) => tables.some((table) => table.name === name)) ?? false;
  const chosen = isKnown ? tables.filter(({ name }) => only!.includes(name)) : tables;
  const { notifications } = options;
  // What is read in part, or commits nothing, takes no messages: they may be of tables that are not read.
  const isWhole = chosen.length === tables.length && !isTrial;
  const hints =
    notifications === undefined || !isWhole ? undefined : openHints(notifications, store, tables, context);
  return {
    streams: chosen.map((table) => createStream(table, hints)),
    async [Symbol.asyncDispose]() {
      await hints?.[Symbol.asyncDispose]();
    },
  };
}
