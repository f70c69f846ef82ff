import type { Json } from "@alluvium/core";
import { compareScalars } from "@alluvium/core/columns";
import { startCursor, type FilesCursor, type HalfFile, type SweepCursor } from "./cursor.ts";
import { openDoneFiles, type FileVersion } from "./done-files.ts";

/** Records after which those that are out of the window are looked for. */
const FIRST_LOOK = 4096;

/**
 * Which files are done. Files are looked at in sweeps: one after the other by path, over all that were last written after the floor and not after the
 * sweep began. What becomes visible late, behind the place where a sweep is, the next one finds, as long as it was last written within the window
 * before the newest file that is done. So the floor is the watermark less the window, and of what is newer each file that is done is remembered.
 *
 * A partial sweep looks at some files only, so nothing can be said of the others: the floor stays, and every file that is done after it is remembered,
 * until a sweep over all files has looked at what is newer than that floor.
 */
export interface Ledger {
  /** Begins a sweep, or goes on with the one that was under way: then its bound holds, and it is not `partial`. */
  begin(until: number, options?: { readonly partial?: boolean }): SweepCursor;
  /** Whether a sweep was under way when the cursor was stored. A partial one is dropped: what is done of it is remembered. */
  readonly isUnderWay: boolean;
  /** What a file of a listing is to the sweep: to be read (`new`, or `changed` where another version is done), `done`, or for a `later` sweep. */
  look(file: FileVersion): "new" | "changed" | "done" | "later";
  /** A file is done, and with it all that comes before it. */
  finish(file: FileVersion): void;
  /** A file is left out of this sweep, and of all that come before it nothing is left. */
  pass(path: string): void;
  /** Ends a sweep. `swept`: when it began, where that is to be known to later runs; only of one over all files. */
  end(swept?: number): void;
  /** Where the next run goes on; `half`: with a file of which a part is done. */
  cursor(half?: HalfFile): FilesCursor;
}

/** Opens the ledger where a run goes on. `windowMs`: the window in milliseconds; `learned`: what the format has learned by now. */
export function openLedger(
  since: FilesCursor | undefined,
  windowMs: number,
  learned: () => Json | undefined = () => undefined,
): Ledger {
  const from = since ?? startCursor;
  const done = openDoneFiles(from.done);
  const underWay = from.sweep?.partial === true ? undefined : from.sweep;
  let { watermark, floor, swept } = from;
  let sweep = underWay;
  let look = FIRST_LOOK;
  let changed = from.sweep !== undefined;

  /** Nothing between a floor and a later one is remembered, so that it never goes back, also where the window grows. */
  function floorNow(): number | undefined {
    const least = watermark === undefined ? undefined : watermark - windowMs;
    return least === undefined || (floor !== undefined && floor > least) ? floor : least;
  }

  return {
    isUnderWay: underWay !== undefined,
    begin(until, { partial = false } = {}) {
      return (sweep ??= {
        until: Math.max(until, watermark ?? until),
        after: undefined,
        ...(partial && { partial }),
      });
    },
    look(file) {
      const time = file.modified.getTime();
      if (time > sweep!.until) return "later";
      if (floor !== undefined && time <= floor) return "done";
      const found = done.find(file);
      return found === "none" ? "new" : found === "this" ? "done" : "changed";
    },
    finish(file) {
      changed = true;
      done.add(file);
      const time = file.modified.getTime();
      watermark = watermark === undefined ? time : Math.max(watermark, time);
      if (sweep!.partial === true) return;
      sweep = { ...sweep!, after: file.path };
      if (done.snapshot().count <= look) return;
      done.forget(watermark - windowMs, false);
      look = Math.max(FIRST_LOOK, 2 * done.snapshot().count);
    },
    pass(path) {
      if (sweep!.partial === true) return;
      if (sweep!.after === undefined || compareScalars(path, sweep!.after) > 0)
        sweep = { ...sweep!, after: path };
    },
    end(began) {
      const isPartial = sweep?.partial === true;
      sweep = undefined;
      if (isPartial) return;
      if (began !== undefined) {
        swept = began;
        changed = true;
      }
      if (!changed) return;
      floor = floorNow();
      if (floor !== undefined) done.forget(floor, true);
      look = FIRST_LOOK;
    },
    cursor(half) {
      // One that found nothing is as if it had not been.
      if (!changed && half === undefined) return from;
      const at = { watermark, floor, done: done.snapshot() };
      const known = learned();
      return {
        ...at,
        ...(swept !== undefined && { swept }),
        ...(sweep && { sweep }),
        ...(half && { file: half }),
        ...(known !== undefined && { learned: known }),
      };
    },
  };
}

/** Tells of files whether they were done when a cursor was stored. */
export function wasDone(cursor: FilesCursor): (file: FileVersion) => boolean {
  const { floor, sweep } = cursor;
  const done = openDoneFiles(cursor.done);
  return (file) => {
    const time = file.modified.getTime();
    if ((floor !== undefined && time <= floor) || done.find(file) === "this") return true;
    const after = sweep?.after;
    return after !== undefined && time <= sweep!.until && compareScalars(file.path, after) <= 0;
  };
}
