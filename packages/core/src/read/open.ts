import { contractOf } from "../contract.ts";
import { readsAll } from "../disposition.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import type { OriginRoot, ReadRoot, ResourceDefinition } from "../resource-definition.ts";
import type { OpenResources, Source, SourceContext, SourceSession, Stream } from "../stream.ts";
import { connectorOrigin } from "./connector-origin.ts";
import { describeResource } from "../describe-resource.ts";
import type { Origin } from "./origin.ts";
import { readOrigin } from "./read-origin.ts";
import { revealOnce, type Reveal } from "./reveal.ts";
import { sharedStream, type SharedResource } from "./shared-stream.ts";

/** Opens the resources of a source made by `source()`: each origin once, whatever number of resources is derived from it. */
export const openResources: OpenResources = async (name, definitions, context) => {
  const { only } = context;
  const names = definitions.map((definition) => definition.name);
  const missing = only?.filter((one) => !names.includes(one)) ?? [];
  if (missing.length > 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      `only names ${missing.join(", ")}, but source ${JSON.stringify(name)} has ${names.join(", ") || "no resources"}`,
      { step: "plan" },
    );
  const chosen = definitions.filter((definition) => only?.includes(definition.name) ?? true);
  // Resources that share a read have its rows as they are, unless all of them say the same.
  const leavesOut = (root: ReadRoot): boolean =>
    chosen
      .filter((one) => one.root === root)
      .every(({ table }) => contractOf(context.contract, table.contract).types === "discardValue");
  const roots = new Map<ReadRoot, Origin>();
  for (const { root } of definitions)
    if (root.kind === "read" && !roots.has(root)) roots.set(root, readOrigin(root, leavesOut(root)));
  const sessions: SourceSession[] = [];
  try {
    const streams = await openStreams(chosen, definitions, roots, context, sessions);
    return { streams, [Symbol.asyncDispose]: () => closeAll(sessions) };
  } catch (error) {
    await closeAll(sessions);
    throw error;
  }
};

/** Closes what was opened, the last one first; the first failure is thrown once all are closed. */
async function closeAll(sessions: readonly SourceSession[]): Promise<void> {
  const failures: unknown[] = [];
  for (const session of sessions.toReversed())
    try {
      await session[Symbol.asyncDispose]();
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
}

/**
 * The streams of the resources `chosen`. Their names, by which state is kept, follow from `all` of the source's: they must not depend on what
 * else is read this time.
 */
async function openStreams(
  chosen: readonly ResourceDefinition[],
  all: readonly ResourceDefinition[],
  roots: ReadonlyMap<ReadRoot, Origin>,
  context: SourceContext,
  sessions: SourceSession[],
): Promise<readonly Stream[]> {
  const byOrigin = new Map<Origin, SharedResource[]>();
  const connectors = await openConnectors(chosen, all, context, sessions);
  for (const definition of chosen) {
    const { root } = definition;
    const origin = root.kind === "read" ? roots.get(root)! : originOf(root, connectors);
    const table = tableOf(root);
    const description = describeResource(definition, origin.tables.get(table)!);
    const shared = byOrigin.get(origin) ?? [];
    shared.push({ definition, description, table });
    byOrigin.set(origin, shared);
  }
  const reveal = revealOnce();
  return [...byOrigin].flatMap(([origin, resources]) => {
    const { root } = resources[0]!.definition;
    const follows = all.some(({ root: other, table }) => {
      if (!sameOrigin(other, root)) return false;
      const own = table.disposition === undefined ? origin.tables.get(tableOf(other)) : table;
      return !readsAll(own?.disposition, table.merge ?? own?.merge);
    });
    return streamsOf(origin, resources, follows, reveal);
  });
}

function tableOf(root: ResourceDefinition["root"]): string {
  return root.kind === "read" ? root.name : root.table;
}

function sameOrigin(a: ResourceDefinition["root"], b: ResourceDefinition["root"]): boolean {
  if (a.kind === "read" || b.kind === "read") return a === b;
  return a.source() === b.source() && a.table === b.table;
}

/** Opens each connector's source once, for the tables that are read. */
async function openConnectors(
  chosen: readonly ResourceDefinition[],
  all: readonly ResourceDefinition[],
  context: SourceContext,
  sessions: SourceSession[],
): Promise<ReadonlyMap<Source, readonly Origin[]>> {
  const tables = new Map<Source, { readonly known: Set<string>; readonly read: Set<string> }>();
  for (const definition of all) {
    const { root } = definition;
    if (root.kind !== "origin") continue;
    const source = root.source();
    const { known, read } = tables.get(source) ?? { known: new Set(), read: new Set() };
    if (chosen.includes(definition)) read.add(root.table);
    tables.set(source, { known: known.add(root.table), read });
  }
  const opened = new Map<Source, readonly Origin[]>();
  const taken = new Set<string>();
  for (const { root } of all) if (root.kind === "read") taken.add(root.name);
  for (const [source, { known, read }] of tables) {
    if (read.size > 0) {
      const budget = Math.floor(context.budget / tables.size);
      const contracts = Map.groupBy(
        chosen.flatMap(({ root, table }) =>
          root.kind === "origin" && root.source() === source ? [[root.table, table.contract] as const] : [],
        ),
        ([name]) => name,
      );
      const session = await source.open({
        ...context,
        only: [...read],
        budget,
        contracts: new Map(Array.from(contracts, ([name, all]) => [name, all.map(([, own]) => own)])),
      });
      sessions.push(session);
      opened.set(
        source,
        session.streams.map((stream) => connectorOrigin(stream, uniqueName(stream, source, taken))),
      );
    }
    // Streams go by their tables' names: those that are not read now keep theirs, too.
    for (const name of known) taken.add(name);
  }
  return opened;
}

/** State is kept by the stream's name, so two sources may not both have one of the same name. */
function uniqueName(stream: Stream, source: Source, taken: Set<string>): string {
  for (const name of [stream.name, `${source.name}.${stream.name}`]) {
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
  throw resourceError(
    "ALV_NAME_COLLISION",
    stream.name,
    `two sources called ${JSON.stringify(source.name)} have it; give one of them another name, or a pipeline of its own`,
    { step: "plan" },
  );
}

function originOf(root: OriginRoot, connectors: ReadonlyMap<Source, readonly Origin[]>): Origin {
  const source = root.source();
  const origin = connectors.get(source)?.find(({ tables }) => tables.has(root.table));
  if (origin !== undefined) return origin;
  throw resourceError(
    "ALV_SOURCE_NOT_FOUND",
    root.table,
    `source ${JSON.stringify(source.name)} has no such table`,
    { step: "plan" },
  );
}

/** One stream for the resources that follow a cursor, and one for those of which each run reads everything. */
function streamsOf(
  origin: Origin,
  resources: readonly SharedResource[],
  follows: boolean,
  reveal: Reveal,
): readonly Stream[] {
  const isWhole = ({ description: { disposition, merge } }: SharedResource): boolean =>
    readsAll(disposition, merge);
  const stream = (name: string, wholeSet: boolean): Stream[] => {
    const own = resources.filter((one) => isWhole(one) === wholeSet);
    return own.length === 0
      ? []
      : [sharedStream({ name, origin, resources: own, wholeSet, reveal }) as Stream];
  };
  return [...stream(origin.name, false), ...stream(follows ? `${origin.name}:replace` : origin.name, true)];
}
