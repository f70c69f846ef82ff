import type { CursorCodec, Json } from "@alluvium/core";
import { decodeDone, encodeDone, noneDone, type DoneSnapshot } from "./done-files.ts";

/** Which files of a table are done. Times are milliseconds since 1970, by the store's clock. */
export interface FilesCursor {
  /** When the newest of the files that are done was last written; `undefined`: none is. */
  readonly watermark: number | undefined;
  /** What was last written at this time or before is done, or came too late to be found. What is newer is done if `done` has it. */
  readonly floor: number | undefined;
  /** The files that are done of those which were last written after `floor`. */
  readonly done: DoneSnapshot;
  /** When the last sweep over all files began, where others are spared by what a queue says. */
  readonly swept?: number | undefined;
  /** A sweep that is not at its end. */
  readonly sweep?: SweepCursor | undefined;
  /** A file of which a part is done. It comes right after the files that are done. */
  readonly file?: HalfFile | undefined;
  /** What the format learned of the columns of the files. */
  readonly learned?: Json | undefined;
}

/** How far a sweep has come. */
export interface SweepCursor {
  /** What was last written after this is for the next sweep. */
  readonly until: number;
  /** Everything up to this path has been looked at; `undefined`: nothing. */
  readonly after: string | undefined;
  /** Whether it looks at some files only, so that it comes past nothing. */
  readonly partial?: boolean;
}

/** A file that is done up to a position. */
export interface HalfFile {
  readonly path: string;
  readonly tag: string;
  /** As the format gives it. */
  readonly position: Json;
  /** The format that gave it, by hash. */
  readonly format: string;
}

/** Nothing is done. */
export const startCursor: FilesCursor = { watermark: undefined, floor: undefined, done: noneDone };

interface Stored {
  readonly watermark?: string;
  readonly floor?: string;
  readonly done?: string;
  readonly swept?: string;
  readonly sweep?: { readonly until: string; readonly after?: string; readonly partial?: true };
  readonly file?: HalfFile;
  readonly learned?: Json;
}

/** How {@link FilesCursor} is stored. The first version has no partial sweeps, nor `swept`. */
export const filesCursorCodec: CursorCodec<FilesCursor> = {
  version: 2,
  encode({ watermark, floor, done, swept, sweep, file, learned }) {
    const stored: Stored = {
      ...(watermark !== undefined && { watermark: iso(watermark) }),
      ...(floor !== undefined && { floor: iso(floor) }),
      ...(done.count > 0 && { done: encodeDone(done) }),
      ...(swept !== undefined && { swept: iso(swept) }),
      ...(sweep && {
        sweep: {
          until: iso(sweep.until),
          ...(sweep.after !== undefined && { after: sweep.after }),
          ...(sweep.partial === true && { partial: true }),
        },
      }),
      ...(file && { file }),
      ...(learned !== undefined && { learned }),
    };
    return stored as unknown as Json;
  },
  decode(value) {
    const { watermark, floor, done, swept, sweep, file, learned } = value as unknown as Stored;
    return {
      watermark: watermark === undefined ? undefined : Date.parse(watermark),
      floor: floor === undefined ? undefined : Date.parse(floor),
      done: done === undefined ? noneDone : decodeDone(done),
      ...(swept !== undefined && { swept: Date.parse(swept) }),
      ...(sweep && {
        sweep: {
          until: Date.parse(sweep.until),
          after: sweep.after,
          ...(sweep.partial === true && { partial: true }),
        },
      }),
      ...(file && { file }),
      ...(learned !== undefined && { learned }),
    };
  },
};

function iso(time: number): string {
  return new Date(time).toISOString();
}
