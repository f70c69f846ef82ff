import { AlluviumError, type DestinationSession, type LoadPlan, type TableInfo } from "@alluvium/core";
import { finishUnapplied } from "./commit.ts";
import type { LakeContext } from "./context.ts";
import type { LakeTable } from "./contract.ts";
import { loadHistory } from "./history.ts";
import { takeLease, type Lease } from "./lease.ts";
import { discardTables, openLoad } from "./load.ts";
import { inspect, openTables } from "./open-tables.ts";
import { listParked } from "./parked.ts";
import { tableDirectory } from "./paths.ts";
import { previewTables } from "./preview.ts";
import { readNewest, recoverNewest, stateOf } from "./recover.ts";
import { noteBoundaries, refuseDead, type SessionState } from "./session-state.ts";
import { settleTable } from "./settle.ts";

type QueryOptions = Parameters<NonNullable<DestinationSession["query"]>>[1];

/** A session of one pipeline and lane at a lake. */
export function openSession(context: LakeContext, leaseWait: number): DestinationSession {
  let state: SessionState | undefined;
  let lease: Lease | undefined;
  const recovered = (): SessionState => {
    if (state !== undefined) return state;
    throw new AlluviumError("ALV_INTERNAL", "the session is used before `recover`");
  };
  return {
    async recover(options) {
      const call: LakeContext =
        options?.signal === undefined
          ? context
          : { ...context, signal: AbortSignal.any([context.signal, options.signal]) };
      if (options?.readOnly === true) return await readNewest(call);
      lease ??= await takeLease(call, leaseWait);
      const { newest, marker, parked } = await recoverNewest(call);
      state = {
        context,
        lease,
        newest,
        incarnation: newest?.incarnation,
        boundaries: new Map(),
        parked,
        tables: new Map(),
        streams: new Map(),
        unapplied: undefined,
        dead: undefined,
        noticed: performance.now(),
      };
      if (newest !== undefined) noteBoundaries(state, newest, marker);
      return newest === undefined ? undefined : stateOf(call, newest, parked);
    },
    async describe(table) {
      const found = await inspect(context, table);
      return found === undefined ? undefined : tableInfo(found);
    },
    async *scan(table, options) {
      const { store, signal, format } = context;
      const call = { store, signal: options?.signal ?? signal };
      yield* format.scan(tableDirectory(table), { ...call, columns: options?.columns });
    },
    // An engine reads the files themselves.
    ...(context.format.query &&
      context.store.url.startsWith("file:") && {
        query: (text: string, { table, first, signal }: QueryOptions) =>
          context.format.query!(text, {
            store: context.store,
            signal: signal ?? context.signal,
            table,
            first,
          }),
      }),
    async begin(plan) {
      const session = recovered();
      refuseDead(session);
      await finishUnapplied(session);
      await openTables(session, plan.tables);
      return openLoad(session, plan);
    },
    ...(context.format.preview && { preview: (plan: LoadPlan) => previewTables(context, plan) }),
    history: (options) => loadHistory(context, options?.limit),
    parked: () => listParked(context, recovered().parked),
    settle: (table, how) => settleTable(recovered(), table, how),
    async [Symbol.asyncDispose]() {
      if (state !== undefined) {
        await discardTables(state);
        for (const table of state.tables.values()) {
          try {
            await table.dispose();
          } catch {
            // An orphan.
          }
        }
        state.dead ??= new AlluviumError("ALV_INTERNAL", "the session is disposed");
      }
      await lease?.[Symbol.asyncDispose]();
    },
  };
}

function tableInfo({ id, schema, partitionBy, version }: LakeTable): TableInfo {
  return { id, schema, partitionBy, ...(version === undefined ? {} : { version }) };
}
