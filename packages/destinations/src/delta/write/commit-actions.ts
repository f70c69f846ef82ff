import type { Action, AddFile } from "../log/actions.ts";
import { commitInfoOf, removeOf, type CommitFacts } from "./actions.ts";
import { applicationId } from "./ownership.ts";
import type { NextMetadata } from "./table-metadata.ts";

/** The actions of a load's commit in one table, with the time of the attempt. */
export function actionsOf(
  facts: Omit<CommitFacts, "now" | "added" | "removed">,
  next: NextMetadata,
  removed: readonly AddFile[],
  addsAt: (now: number) => readonly AddFile[],
): (now: number) => Generator<Action> {
  const { change, load } = facts;
  const appId = applicationId(load, change.table);
  return function* (now) {
    const removes = removed.map((add) => removeOf(add, now));
    const adds = addsAt(now);
    yield { commitInfo: commitInfoOf({ ...facts, now, added: adds, removed: removes }) };
    if (next.protocolChanged) yield { protocol: next.protocol };
    if (next.metadataChanged) yield { metaData: next.metadata };
    yield { txn: { appId, version: load.sequence, lastUpdated: now } };
    for (const remove of removes) yield { remove };
    for (const add of adds) yield { add };
  };
}
