import { concatBatches } from "../columns/concat.ts";
import type { Stream, StreamContext } from "../stream.ts";
import type { Origin, OriginItem, OriginRequest } from "./origin.ts";
import { retakeRows } from "./retake.ts";
import { portionOfBatch } from "./portion.ts";

/** The origin of resources that are tables of a connector's stream. */
export function connectorOrigin(stream: Stream, name: string): Origin {
  const tables = new Map(stream.tables.map((table) => [table.name, table]));
  return {
    name,
    codec: stream.cursor,
    identity: stream.identity,
    tables,
    read: (request) => readConnector(stream, name, request),
    async retake(table, rows, context) {
      const again = await stream.retake?.(table, rows, context);
      if (again !== undefined && again.batches.length > 0)
        return {
          portion: portionOfBatch(concatBatches(again.batches.map(({ batch }) => batch))),
          places: again.batches.flatMap(({ places }) => [...places]),
          refused: again.refused,
        };
      const { schema, primaryKey, partial = false } = tables.get(table)!;
      if (again !== undefined) {
        const none = await retakeRows({ name: table, primaryKey, partial }, schema, [], false);
        return { ...none, refused: again.refused };
      }
      return await retakeRows({ name: table, primaryKey, partial }, schema, rows, false);
    },
    acknowledge:
      stream.acknowledge && (async (cursor, context) => await stream.acknowledge!(cursor, context)),
  };
}

async function* readConnector(
  stream: Stream,
  name: string,
  { context, cursor, wholeSet }: OriginRequest,
): AsyncGenerator<OriginItem> {
  const emit: StreamContext["emit"] = (event) =>
    context.emit(
      event.type === "streamStarted" && event.stream === stream.name ? { ...event, stream: name } : event,
    );
  // A limit counts the rows that are left after the steps, so the stream is stopped by whoever counts them.
  const items = stream.read({ ...context, limit: undefined, emit, since: wholeSet ? undefined : cursor });
  for await (const item of items) {
    if ("checkpoint" in item || "refused" in item) {
      yield item;
      continue;
    }
    const portion = { ...portionOfBatch(item.batch), locate: item.locate };
    yield { table: item.table, portion, fresh: portion };
  }
}
