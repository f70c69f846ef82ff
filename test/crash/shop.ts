import { checkpoint, resource, source, typed, type Source } from "@alluvium/core";

/*
 * A source that is a pure function of its phase: phase 1 is what the first run reads, 2 and 3 hold more. Each stream has another habit, so
 * that a run of all of them meets every rule of exactly once. Next to the streams stands the plain model of what tables must hold.
 */

/** A row of the model, by the columns that are compared. */
export type Cells = Readonly<Record<string, string | number | null>>;

/** What a table must hold, and how its stream's cursor says how much of it is committed. */
export interface TableModel {
  readonly stream: string;
  readonly replaces: boolean;
  readonly columns: readonly string[];
  /** All rows at a phase, in the order in which they are committed. */
  readonly rows: (phase: number) => readonly Cells[];
  /** The column of the cursor; `undefined`: the stream counts its parts by positions. */
  readonly cursor?: string;
  /** Rows before a position. */
  readonly before?: (position: number) => readonly Cells[];
}

const START = Date.UTC(2026, 0, 1);
const instant = (value: number): Date => new Date(START + value * 1000);
const upTo = (end: number, from = 0): number[] =>
  Array.from({ length: Math.max(0, end - from) }, (_, i) => from + i);
const at = (counts: readonly number[], phase: number): number => counts[phase - 1]!;

/** Enough text for 64 rows to fill a batch, so that a column can change its type between two batches without a checkpoint. */
const PAD = "x".repeat(1100);
const PART = 64;

const EVENTS = [150, 230, 300];
const PAGES = [8, 12, 14];
const NEWEST = [5, 8, 11];
const PLACES = [6, 9, 10];
const GONE = [3, 0, 2];
const COUNTRIES = ["CH", "DE", null];

interface Timed {
  id: number;
  at: Date;
}

interface Event extends Timed {
  pad: string;
}

interface Place {
  id: number;
  country: string | null;
}

interface Grown {
  id: number;
  pad: string;
  n: number;
  note: string | null;
  extra?: number;
}

// So many rows share a time that batches and phases end in the midst of them.
const eventsAt = (phase: number): Event[] =>
  upTo(at(EVENTS, phase)).map((id) => ({ id, at: instant(Math.floor(id / 28)), pad: PAD }));
const newestAt = (phase: number): Timed[] =>
  upTo(at(NEWEST, phase)).map((id) => ({ id, at: instant(Math.floor(id / 2)) }));
const placesAt = (phase: number): Place[] =>
  upTo(at(PLACES, phase)).map((id) => ({ id, country: COUNTRIES[id % 3]! }));
const page = (number: number): { id: number; page: number }[] =>
  [2 * number + 1, 2 * number].map((id) => ({ id, page: number }));

/** A part of the stream whose columns grow: whole numbers, then, before anything of it is committed, fractions. */
function grownPart(part: number): Grown[] {
  const row = (index: number): Grown => {
    const id = part * 100 + index;
    const value = index < PART ? index : index + 0.5;
    return {
      id,
      pad: PAD,
      n: part === 0 ? value : index + 0.25,
      note: index < PART ? null : `bound ${id}`,
      ...(part === 0 ? {} : { extra: value }),
    };
  };
  return upTo(PART + 3).map(row);
}

/** When a stream hangs, for a deadline to cut it. */
export interface ShopOptions {
  /** Called by the newest-first stream after its first rows; the stream goes on when it resolves. */
  readonly hang?: (signal: AbortSignal) => Promise<void>;
}

/** What the source's resources ask of a destination. */
export type ShopTables = Readonly<
  Record<string, { readonly row: object; readonly ability: "append" | "replace" }>
>;

/** The source at a phase. */
export function shop(phase: number, options: ShopOptions = {}): Source<ShopTables> {
  const events = resource({
    name: "events",
    schema: typed<Event>(),
    cursor: { column: "at", order: "ascending" },
    *read({ since }) {
      yield eventsAt(phase).filter((row) => since === undefined || row.at >= since);
    },
  });
  const loud = events
    .filter(({ id }) => id % 2 === 0)
    .map(({ id, at: time }) => ({ id, at: time }))
    .as("loud");
  const changes = resource({
    name: "changes",
    *read({ position }) {
      for (let number = Number(position ?? 0); number < at(PAGES, phase); number++) {
        yield page(number);
        yield checkpoint(number + 1);
      }
    },
  });
  const users = resource({
    name: "users",
    disposition: "replace",
    // Another folder in each run, so that none is synced by accident.
    partitionBy: ["phase"],
    *read() {
      const rows = upTo(4 + phase).map((id) => ({ id, phase }));
      yield rows.slice(0, 3);
      yield rows.slice(3);
    },
  });
  const newest = resource({
    name: "newest",
    schema: typed<Timed>(),
    cursor: "at",
    async *read({ since, signal }) {
      const rows = newestAt(phase)
        .filter((row) => since === undefined || row.at >= since)
        .toReversed();
      yield rows.slice(0, 2);
      await options.hang?.(signal);
      yield rows.slice(2);
    },
  });
  const grown = resource({
    name: "grown",
    *read({ position }) {
      for (let part = Number(position ?? 0); part < phase; part++) {
        yield grownPart(part);
        yield checkpoint(part + 1);
      }
    },
  });
  const places = resource({
    name: "places",
    schema: typed<Place>(),
    cursor: "id",
    columns: { id: { type: "int64" }, country: { type: "string" } },
    partitionBy: ["country"],
    *read({ since }) {
      yield placesAt(phase).filter(({ id }) => since === undefined || id >= since);
    },
  });
  const gone = resource({
    name: "gone",
    disposition: { replace: "all", allowEmpty: true },
    columns: { id: { type: "int64" }, phase: { type: "int64" } },
    *read() {
      yield upTo(at(GONE, phase)).map((id) => ({ id, phase }));
    },
  });
  return source("shop", () => [events, loud, changes, users, newest, grown, places, gone])();
}

const timed = (rows: readonly Timed[]): Cells[] =>
  rows.map((row) => ({ id: row.id, at: row.at.toISOString() }));
const grownCells = (parts: number): Cells[] =>
  upTo(parts)
    .flatMap(grownPart)
    .map(({ id, n, note, extra }) => ({ id, n, note, extra: extra ?? null }));

/** The tables by name. */
export const shopTables: Readonly<Record<string, TableModel>> = {
  events: {
    stream: "events",
    replaces: false,
    columns: ["id", "at"],
    cursor: "at",
    rows: (phase) => timed(eventsAt(phase)),
  },
  loud: {
    stream: "events",
    replaces: false,
    columns: ["id", "at"],
    cursor: "at",
    rows: (phase) => timed(eventsAt(phase)).filter(({ id }) => Number(id) % 2 === 0),
  },
  changes: {
    stream: "changes",
    replaces: false,
    columns: ["id", "page"],
    rows: (phase) => upTo(at(PAGES, phase)).flatMap(page),
    before: (position) => upTo(position).flatMap(page),
  },
  users: {
    stream: "users",
    replaces: true,
    columns: ["id", "phase"],
    rows: (phase) => upTo(4 + phase).map((id) => ({ id, phase })),
  },
  newest: {
    stream: "newest",
    replaces: false,
    columns: ["id", "at"],
    cursor: "at",
    rows: (phase) => timed(newestAt(phase)),
  },
  grown: {
    stream: "grown",
    replaces: false,
    columns: ["id", "n", "note", "extra"],
    rows: grownCells,
    before: grownCells,
  },
  places: {
    stream: "places",
    replaces: false,
    columns: ["id", "country"],
    cursor: "id",
    rows: (phase) => placesAt(phase).map(({ id, country }) => ({ id, country })),
  },
  gone: {
    stream: "gone",
    replaces: true,
    columns: ["id", "phase"],
    rows: (phase) => upTo(at(GONE, phase)).map((id) => ({ id, phase })),
  },
};

/** The model of the last phase holds the rows of all. */
export const LAST_PHASE = 3;
