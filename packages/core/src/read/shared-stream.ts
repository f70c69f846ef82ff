import type { Batch } from "../columns/batch.ts";
import type { ResourceDefinition } from "../resource-definition.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { Stream, StreamContext, StreamItem, TableDescription } from "../stream.ts";
import type { Check } from "../quality/check.ts";
import { writtenBatches } from "./deletes.ts";
import type { FailedRows } from "./function-checks.ts";
import type { Origin, OriginItem, OriginRequest } from "./origin.ts";
import { takePortion, type Portion } from "./portion.ts";
import { withPositions } from "./positions.ts";
import { planSteps, type KeyNames } from "../plan-steps.ts";
import { sharedCursorCodec, type SharedCursor } from "./shared-cursor.ts";
import type { Reveal } from "./reveal.ts";
import { runnerOf, type StepRunner } from "./steps.ts";

/** A resource with all that is known of it once its origin is open. */
export interface SharedResource {
  readonly definition: ResourceDefinition;
  readonly description: TableDescription;
  /** The table of the origin that it is derived from. */
  readonly table: string;
}

/** What {@link sharedStream} is made of. */
export interface SharedStreamOptions {
  readonly name: string;
  readonly origin: Origin;
  readonly resources: readonly SharedResource[];
  /** Whether the resources replace their tables: nothing is resumed. */
  readonly wholeSet: boolean;
  readonly reveal: Reveal;
}

/**
 * A stream that feeds the tables of all resources derived from one origin. Each resource has its cursor: those that stand at the same point
 * share a read, one that lags (because it is new, or was left out of runs) is first read alone until it has caught up.
 */
export function sharedStream(options: SharedStreamOptions): Stream<SharedCursor> {
  const { name, origin, resources, wholeSet, reveal } = options;
  const { acknowledge, codec, identity } = origin;
  const planned = resources.map(plan);
  // Also across attempts: what is read again comes after what was kept of the attempt before, within the same load.
  const positions = countRows();
  return {
    name,
    tables: resources.map(({ description }) => description),
    cursor: sharedCursorCodec(codec),
    identity: wholeSet ? undefined : identity,
    forget: (cursor) => {
      const own = new Set(resources.map(({ definition }) => definition.name));
      const left = new Map([...cursor].filter(([resource]) => !own.has(resource)));
      return left.size > 0 ? left : undefined;
    },
    read: (context) => readShared({ origin, resources: planned, wholeSet, positions, reveal }, context),
    async retake(table, rows, context) {
      const { signal } = context;
      const resource = planned.find(({ definition }) => definition.name === table)!;
      const { definition, keys, byRows } = resource;
      const { steps } = definition;
      const { portion, places, refused } = await origin.retake(resource.table, rows, context);
      if (steps.length === 0)
        return { batches: [{ batch: portion.batch(), places: Int32Array.from(places) }], refused };
      const run = runnerOf({ resource: table, steps, keys, signal, reveal });
      // Where a step makes more or fewer rows, each goes by itself, so that it is known what comes of it.
      const keepsRows = !steps.some(({ kind }) => kind === "filter" || kind === "flatMap");
      const parts = keepsRows
        ? [{ part: portion, from: places }]
        : places.map((place, i) => ({ part: takePortion(portion, Int32Array.of(i)), from: [place] }));
      const batches: { batch: Batch; places: Int32Array }[] = [];
      for (const { part, from } of parts) {
        signal.throwIfAborted();
        // A row that a filter leaves out deletes nothing: what has its key may be newer.
        const ready = withPositions(part, keys[0], table, { deletes: false, byRows });
        for (const batch of writtenBatches(await run(ready)))
          batches.push({
            batch,
            places: keepsRows ? Int32Array.from(from) : new Int32Array(batch.length).fill(from[0]!),
          });
      }
      return { batches, refused };
    },
    ...(acknowledge !== undefined &&
      !wholeSet && {
        acknowledge: async (cursor, context) => {
          // The source may forget what it was told of, so it is told only of what every resource has.
          const cursors = resources.map(({ definition }) => cursor.get(definition.name));
          const keys = new Set(cursors.map((one) => keyOf(origin, one)));
          if (keys.size === 1 && cursors[0] !== undefined) await acknowledge(cursors[0], context);
        },
      }),
  };
}

interface Planned extends SharedResource {
  readonly keys: readonly (KeyNames | undefined)[];
  readonly appends: boolean;
  /** Whether steps go by rows. */
  readonly byRows: boolean;
  /** Whether rows that a filter refuses delete their keys. */
  readonly deletes: boolean;
  /** What functions check. */
  readonly checks: readonly Check[];
}

interface Shared {
  readonly origin: Origin;
  readonly resources: readonly Planned[];
  readonly wholeSet: boolean;
  readonly positions: OriginRequest["positions"];
  readonly reveal: Reveal;
}

function plan(resource: SharedResource): Planned {
  const { definition, description } = resource;
  const { steps } = definition;
  const { disposition } = description;
  const checks = description.checks?.filter(({ rule }) => rule.kind === "check") ?? [];
  return {
    ...resource,
    keys: planSteps({ ...description, steps }),
    appends: disposition.kind === "append",
    byRows: steps.some((step) => "call" in step),
    checks,
    deletes: disposition.kind === "merge" && steps.some(({ kind }) => kind === "filter"),
  };
}

/** Resources that stand at the same point. */
interface Group {
  readonly cursor: unknown;
  readonly resources: readonly Planned[];
}

function keyOf(origin: Origin, cursor: unknown): string {
  return cursor === undefined ? "" : canonicalJson(origin.codec.encode(cursor));
}

async function* readShared(
  { origin, resources, wholeSet, positions, reveal }: Shared,
  context: StreamContext<SharedCursor>,
): AsyncGenerator<StreamItem<SharedCursor>> {
  const samples = context.window !== undefined || context.limit !== undefined;
  // Resources that are not read now keep the cursors that they have.
  const cursors = new Map(wholeSet || samples ? [] : context.since);
  const left = new Map(resources.map((resource) => [resource, context.limit ?? Infinity]));
  const { signal } = context;
  const runners = new Map(
    resources.map((one) => {
      const { definition, keys } = one;
      const { name, steps } = definition;
      return [one, runnerOf({ resource: name, steps, keys, signal, reveal })];
    }),
  );
  let waiting = [...resources];
  while (waiting.length > 0) {
    const groups = groupsOf(origin, waiting, cursors);
    const group = groups[0]!;
    const goal = goalOf(origin, group, groups[1]);
    waiting = waiting.filter((resource) => !group.resources.includes(resource));
    const items = origin.read({
      context: { ...context, since: undefined },
      cursor: group.cursor,
      until: goal,
      appends: group.resources.some(({ appends }) => appends),
      wholeSet,
      needsRows: group.resources.some(({ byRows, checks }) => byRows || checks.length > 0),
      positions,
    });
    for await (const item of items) {
      if ("checkpoint" in item) {
        if (wholeSet || samples) continue;
        for (const { definition } of group.resources) cursors.set(definition.name, item.checkpoint);
        yield { checkpoint: new Map(cursors) };
        continue;
      }
      if ("refused" in item) {
        for (const { definition, table } of group.resources)
          if (table === item.table) yield { ...item, table: definition.name };
        continue;
      }
      const numbered = numberRows(item, positions, group.resources);
      // Others read the same rows afterwards, and steps may keep what they made of them.
      const [first, second] = group.resources;
      const release = second === undefined && isPlain(first!) ? item.release : undefined;
      for (const resource of group.resources) {
        if (resource.table !== item.table || left.get(resource)! <= 0) continue;
        const isSample = context.limit !== undefined;
        const { batches, failed, locate } = await batchesFor(
          resource,
          runners.get(resource)!,
          numbered,
          signal,
          isSample,
        );
        for (const [i, batch] of batches.entries()) {
          if (batch.length === 0) continue;
          left.set(resource, left.get(resource)! - batch.length);
          const out = { table: resource.definition.name, batch };
          const more = { ...(failed && { failed }), ...(locate && { locate }), ...(release && { release }) };
          yield i === 0 ? { ...out, ...more } : out;
        }
      }
      if (group.resources.every((resource) => left.get(resource)! <= 0)) break;
    }
    // Those that have caught up go on together with the others.
    const reached = cursors.get(group.resources[0]!.definition.name);
    if (goal !== undefined && keyOf(origin, reached) === keyOf(origin, goal))
      waiting.push(...group.resources);
  }
}

/** Whether rows go on as they came. */
function isPlain({ definition }: Planned): boolean {
  return definition.steps.length === 0;
}

/** Resources by where they stand, those furthest behind first. */
function groupsOf(origin: Origin, resources: readonly Planned[], cursors: SharedCursor): readonly Group[] {
  const groups = new Map<string, { readonly cursor: unknown; readonly resources: Planned[] }>();
  for (const resource of resources) {
    const cursor = cursors.get(resource.definition.name);
    const key = keyOf(origin, cursor);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { cursor, resources: [resource] });
    else group.resources.push(resource);
  }
  return [...groups.values()].sort((a, b) => {
    if (a.cursor === undefined || b.cursor === undefined)
      return Number(a.cursor !== undefined) - Number(b.cursor !== undefined);
    return origin.compare?.(a.cursor, b.cursor) ?? 0;
  });
}

/** Where the next group stands, if this one can be read just up to there. */
function goalOf(origin: Origin, group: Group, next: Group | undefined): unknown {
  if (next?.cursor === undefined || origin.compare === undefined) return undefined;
  const difference = origin.compare(group.cursor ?? {}, next.cursor);
  return difference !== undefined && difference < 0 ? next.cursor : undefined;
}

type Rows = Extract<OriginItem, { readonly portion: unknown }>;

/** Rows with their positions, where some resource tells deletes from other rows by them. */
function numberRows(item: Rows, positions: OriginRequest["positions"], resources: readonly Planned[]): Rows {
  if (!resources.some(({ deletes }) => deletes)) return item;
  return { ...item, portion: { ...item.portion, ordinals: positions(item.portion.length) } };
}

function countRows(): OriginRequest["positions"] {
  let next = 0n;
  return (count) => {
    const ordinals = new BigInt64Array(count);
    for (let i = 0; i < count; i++) ordinals[i] = next++;
    return ordinals;
  };
}

/** A portion after the steps of a resource: its rows, then keys that are deleted; and the rows that functions refused. */
async function batchesFor(
  resource: Planned,
  run: StepRunner,
  item: Rows,
  signal: AbortSignal,
  isSample: boolean,
): Promise<{ readonly batches: readonly Batch[]; readonly failed?: FailedRows } & Pick<Portion, "locate">> {
  const { definition, appends, keys, deletes, checks, byRows } = resource;
  const { name } = definition;
  const given = appends ? item.fresh : item.portion;
  const plain = isPlain(resource);
  const portion = plain ? given : await run(withPositions(given, keys[0], name, { deletes, byRows }));
  const batches = plain ? [portion.batch()] : writtenBatches(portion);
  const { locate } = portion;
  if (checks.length === 0 || isSample) return { batches, locate };
  const { askFunctions } = await import("./function-checks.ts");
  return { batches, failed: await askFunctions(name, checks, portion, batches[0]!, signal), locate };
}
