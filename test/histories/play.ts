import type { DestinationSession, Load, TablePlan } from "@alluvium/core";
import { AlluviumError, timeOrderedId, validityColumns } from "@alluvium/core";
import type { Schema } from "@alluvium/core/schema";
import { changeBatch, type SuiteDestination } from "@alluvium/core/testing";
import type { Chunk, Columns, History, HistoryLoad, SourceRow } from "./history.ts";

/** The table that histories are loaded into. */
export const TABLE = "history";

/** Plays a history into a place. */
export interface Player {
  /** Does a load; the code of the error where it fails. */
  play(load: HistoryLoad, sequence: number): Promise<string | undefined>;
  /** The source's rows as of the last sealed mark that is committed. */
  readonly source: readonly SourceRow[];
  close(): Promise<void>;
}

export function player(target: SuiteDestination, history: History): Player {
  const { strategy, merge, primaryKey } = history;
  let session: DestinationSession | undefined;
  // What was written since the last sealed mark, to be written again after a rollback.
  let unsealed: Chunk[] = [];
  let ordinal = 0n;
  let sealed: readonly SourceRow[] = [];
  let source: readonly SourceRow[] = [];

  const plan = (columns: Columns): TablePlan => ({
    table: TABLE,
    stream: TABLE,
    disposition: { kind: "merge", strategy },
    merge: {
      ...merge,
      ...(strategy === "scd2" && { validity: { ...validityColumns, retireAbsent: false } }),
    },
    primaryKey,
    partitionBy: [],
    schema: schemaOf(columns),
  });

  async function write(load: Load, { columns, changes }: Chunk): Promise<void> {
    await load.write(TABLE, changeBatch(columns, changes, ordinal));
    ordinal += BigInt(changes.length);
  }

  async function run(load: Load, { chunks, endsSession }: HistoryLoad): Promise<void> {
    for (const [i, chunk] of chunks.entries()) {
      await write(load, chunk);
      unsealed.push(chunk);
      if (chunk.isRepeated) {
        await load.rollback(TABLE);
        ordinal = 0n;
        for (const again of unsealed) await write(load, again);
      }
      const isEnd = endsSession && i === chunks.length - 1;
      await load.mark(TABLE, { seal: chunk.isSealed || isEnd, end: isEnd });
      if (!chunk.isSealed && !isEnd) continue;
      unsealed = [];
      ordinal = 0n;
      sealed = chunk.source;
    }
  }

  async function begin(columns: Columns): Promise<Load> {
    if (session === undefined) {
      session = await target.open();
      await session.recover();
    }
    return await session.begin({ loadId: timeOrderedId(), startedAt: new Date(), tables: [plan(columns)] });
  }

  async function close(): Promise<void> {
    await session?.[Symbol.asyncDispose]();
    session = undefined;
  }

  return {
    get source() {
      return source;
    },
    close,
    async play(one, sequence) {
      const { columns } = one.chunks.at(-1)!;
      if (one.isGivenUp && unsealed.length === 0) {
        const kept = { sealed, ordinal };
        await run(await begin(columns), one);
        await close();
        ({ sealed, ordinal } = kept);
        unsealed = [];
      }
      try {
        const load = await begin(columns);
        await run(load, one);
        await load.commit({
          incarnation: "00112233445566778899aabbccddeeff",
          sequence,
          loadId: load.loadId,
          streams: {},
          tables: {},
        });
        source = sealed;
      } catch (error) {
        await close();
        if (AlluviumError.is(error)) return `${error.code}: ${error.message}`;
        throw error;
      }
      if (one.endsSession) await close();
      return undefined;
    },
  };
}

function schemaOf(columns: Columns): Schema {
  return { fields: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true })) };
}
