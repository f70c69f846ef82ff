import type { Destination } from "../destination.ts";
import { runner } from "../run/index.ts";
import { sameType } from "../schema/equal.ts";
import { isNested, membersOf } from "../schema/members.ts";
import type { ColumnType } from "../schema/types.ts";
import { widenTypes } from "../schema/widen.ts";
import type { Ability } from "../stream.ts";
import { openMemory } from "./memory-session.ts";
import { type MemoryStore, memoryTables } from "./memory-store.ts";

/** Options of {@link memoryDestination}. */
export interface MemoryDestinationOptions {
  /** Where tables and state are kept. @default a store of its own */
  readonly store?: MemoryStore;
  /** The type that a column has here. @default every type as it is */
  readonly storedType?: (type: ColumnType) => ColumnType;
  /** Whether a committed column of type `from` becomes one of the wider type `to`. @default wherever every value stays the same */
  readonly widens?: (from: ColumnType, to: ColumnType) => boolean;
  /** Whether names that differ only in case are the same. @default false */
  readonly foldsCase?: boolean;
  /** Now, in milliseconds since 1970: what the versions of `scd2` begin at. @default the system's clock */
  readonly now?: () => number;
}

/** A destination in memory, with the store that it writes to. */
export interface MemoryDestination extends Destination<Ability> {
  /** Where its tables and state are, to look at. */
  readonly store: MemoryStore;
}

/**
 * A destination that keeps its tables in memory: for tests of sources and pipelines, and as the smallest whole example of the contract.
 * It can do every disposition, applying changes one after another as `MergeStrategy` says them, and so is what other destinations are
 * compared with. It is transactional (a commit happens in one synchronous step) and exactly once, also with several sessions on one store.
 *
 * @example
 * ```ts
 * const memory = memoryDestination();
 * await pipeline({ name: "test", source, destination: memory }).run();
 * console.log(memory.store.rows("orders"));
 * ```
 */
export function memoryDestination(options: MemoryDestinationOptions = {}): MemoryDestination {
  const { store = memoryTables(), now = Date.now } = options;
  return {
    specVersion: 1,
    name: "memory",
    runner,
    store,
    capabilities: {
      abilities: ["append", "replace", "upsert", "insertOnly", "deleteInsert", "scd2"],
      delivery: "exactlyOnce",
      visibility: "load",
      foldsCase: options.foldsCase ?? false,
      partitions: true,
      follows: true,
      storedType: options.storedType ?? ((type) => type),
      widens: options.widens ?? widensExactly,
    },
    open: (context) => Promise.resolve(openMemory(store, context, now)),
  };
}

/** Whether every value of `from` is one of the wider type `to`: an int64 beyond 2^53 is no double. */
function widensExactly(from: ColumnType, to: ColumnType): boolean {
  const wide = widenTypes(from, to);
  if (wide === undefined || !sameType(wide, to)) return false;
  if (!isNested(from) || !isNested(to)) return !(from.kind === "int64" && to.kind === "float64");
  const others = membersOf(to);
  return membersOf(from).every((member, i) => {
    const other = to.kind === "struct" ? others.find(({ name }) => name === member.name) : others[i];
    return other !== undefined && (member.type.kind === "null" || widensExactly(member.type, other.type));
  });
}
