import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { seededRandom } from "@alluvium/core/testing";
import { filesCursorCodec, type FilesCursor } from "../../src/files/ledger/cursor.ts";
import type { FileVersion } from "../../src/files/ledger/done-files.ts";
import { openLedger, wasDone } from "../../src/files/ledger/ledger.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
const HOUR = 3_600_000;

const fileAt = (path: string, time: number, tag = "1"): FileVersion => ({
  path,
  tag,
  size: 1,
  modified: new Date(time),
});

/** What a run finds of `files`, in the order of their paths: their paths, and the cursor as it is stored. */
function sweep(since: FilesCursor | undefined, files: readonly FileVersion[], now: number, window = HOUR) {
  const ledger = openLedger(since, window);
  const read: string[] = [];
  for (let last = !ledger.isUnderWay; ; last = true) {
    const { after } = ledger.begin(now);
    for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      if (after !== undefined && file.path <= after) continue;
      const what = ledger.look(file);
      if (what === "new" || what === "changed") {
        read.push(`${file.path}:${file.tag}`);
        ledger.finish(file);
      }
    }
    ledger.end();
    if (last) break;
  }
  return { read, cursor: stored(ledger.cursor()) };
}

function stored(cursor: FilesCursor): FilesCursor {
  return filesCursorCodec.decode(JSON.parse(JSON.stringify(filesCursorCodec.encode(cursor))) as null, 1);
}

describe("which files are done", () => {
  test("a file that becomes visible late is found, also of the same second; none is read twice", () => {
    const files = [fileAt("a", 1000), fileAt("c", 5000)];
    const first = sweep(undefined, files, 6000);
    expect(first.read).toEqual(["a:1", "c:1"]);
    // Written in the second of the newest, and long before it.
    files.push(fileAt("b", 5000), fileAt("0", 5000 - HOUR + 1));
    const second = sweep(first.cursor, files, 7000);
    expect(second.read).toEqual(["0:1", "b:1"]);
    expect(sweep(second.cursor, files, 8000).read).toEqual([]);
  });

  test("what is newer than the sweep waits for the next one", () => {
    const files = [fileAt("a", 1000), fileAt("b", 9000)];
    const first = sweep(undefined, files, 5000);
    expect(first.read).toEqual(["a:1"]);
    expect(sweep(first.cursor, files, 9000).read).toEqual(["b:1"]);
  });

  test("another version of a file is told from the one that is done", () => {
    const first = sweep(undefined, [fileAt("a", 1000)], 2000);
    expect(sweep(first.cursor, [fileAt("a", 3000, "2")], 4000).read).toEqual(["a:2"]);
    // By its tag alone, where the clock has not moved.
    const second = sweep(first.cursor, [fileAt("a", 1000, "2")], 4000);
    expect(second.read).toEqual(["a:2"]);
    expect(sweep(second.cursor, [fileAt("a", 1000, "2")], 5000).read).toEqual([]);
    expect(sweep(second.cursor, [fileAt("a", 1000, "1")], 5000).read).toEqual(["a:1"]);
  });

  test("a window that grows brings nothing back, and one that shrinks loses nothing within it", () => {
    const files = [fileAt("a", 0), fileAt("b", 3 * HOUR), fileAt("c", 5 * HOUR)];
    const { cursor } = sweep(undefined, files, 6 * HOUR);
    expect(cursor.done.count).toBe(1);
    const longer = sweep(cursor, [...files, fileAt("d", 5 * HOUR + 1)], 6 * HOUR, 100 * HOUR);
    expect(longer.read).toEqual(["d:1"]);
    const shorter = sweep(longer.cursor, [...files, fileAt("e", 5 * HOUR)], 6 * HOUR, 10);
    expect(shorter.read).toEqual(["e:1"]);
  });

  test("a run that finds nothing leaves the cursor as it is", () => {
    const files = [fileAt("a", 1000)];
    const first = sweep(undefined, files, 2000);
    expect(sweep(first.cursor, files, 100 * HOUR).cursor).toEqual(first.cursor);
    expect(filesCursorCodec.encode(sweep(undefined, [], 2000).cursor)).toEqual({});
  });

  test("a cursor is not changed by what its ledger goes on with", () => {
    const ledger = openLedger(undefined, HOUR);
    ledger.begin(10_000);
    const texts: [FilesCursor, string][] = [];
    for (let i = 0; i < 300; i++) {
      ledger.finish(fileAt(`f${String(i).padStart(3, "0")}`, 1000 + i));
      const cursor = ledger.cursor();
      texts.push([cursor, JSON.stringify(filesCursorCodec.encode(cursor))]);
    }
    ledger.end();
    for (const [cursor, text] of texts) expect(JSON.stringify(filesCursorCodec.encode(cursor))).toBe(text);
    expect(texts.at(-1)![0].done.count).toBe(300);
  });

  test("of many files in the order of time only those of the window are held", () => {
    const ledger = openLedger(undefined, 60_000);
    const start = Date.UTC(2024, 0, 1);
    ledger.begin(start + 1_000_000 * 1000);
    let most = 0;
    for (let i = 0; i < 50_000; i++) {
      const file = fileAt(`f${String(i).padStart(7, "0")}`, start + i * 1000);
      if (ledger.look(file) === "new") ledger.finish(file);
      if (i % 1000 === 0) most = Math.max(most, ledger.cursor().done.count);
    }
    ledger.end();
    expect(most).toBeLessThan(10_000);
    const { done } = ledger.cursor();
    expect(done.count).toBeLessThanOrEqual(61);
    expect(Buffer.byteLength(JSON.stringify(filesCursorCodec.encode(ledger.cursor())))).toBeLessThan(2000);
  });
});

describe("a sweep over some files", () => {
  const first = sweep(undefined, [fileAt("m", 1000)], 2000).cursor;

  test("passes nothing by, and is dropped where it stopped", () => {
    const ledger = openLedger(first, HOUR);
    ledger.begin(9 * HOUR, { partial: true });
    ledger.finish(fileAt("p", 8 * HOUR));
    const cursor = stored(ledger.cursor());
    expect(wasDone(cursor)(fileAt("a", 3000))).toBe(false);
    expect(wasDone(cursor)(fileAt("p", 8 * HOUR))).toBe(true);
    const next = openLedger(cursor, HOUR);
    expect(next.isUnderWay).toBe(false);
    next.begin(9 * HOUR, { partial: true });
    next.end();
    expect(stored(next.cursor())).toEqual({ ...cursor, sweep: undefined });
    const found = sweep(stored(next.cursor()), [fileAt("a", 3000), fileAt("p", 8 * HOUR)], 9 * HOUR);
    expect(found.read).toEqual(["a:1"]);
    expect(found.cursor.done.count).toBe(1);
  });

  test("remembers all that is done after the floor, however many", () => {
    const ledger = openLedger(first, 60_000);
    const all = Array.from({ length: 10_000 }, (_, i) =>
      fileAt(`f${String(i).padStart(5, "0")}`, 2000 + 1000 * i),
    );
    ledger.begin(24 * HOUR, { partial: true });
    for (const file of all) ledger.finish(file);
    ledger.end();
    const cursor = stored(ledger.cursor());
    expect(cursor.floor).toBe(first.floor);
    expect(sweep(cursor, all, 24 * HOUR, 60_000).read).toEqual([]);
  });

  test("when all were looked at is stored, and a cursor without it is read", () => {
    const ledger = openLedger(first, HOUR);
    ledger.begin(5000);
    ledger.end(4000);
    expect(stored(ledger.cursor())).toMatchObject({ ...first, swept: 4000 });
    expect(filesCursorCodec.decode({ watermark: "2024-01-01T00:00:00.000Z" }, 1)).toEqual({
      watermark: Date.UTC(2024, 0, 1),
      floor: undefined,
      done: { count: 0, records: new Uint8Array(0) },
    });
  });
});

test(`random uploads and stops: every version is read once (seed ${seed})`, () => {
  for (let round = 0; round < 60; round++) {
    const random = seededRandom(seed * 100 + round);
    const upTo = (n: number): number => Math.floor(random() * n);
    const there = new Map<string, FileVersion>();
    const read: string[] = [];
    const all = new Set<string>();
    let cursor: FilesCursor | undefined;
    let now = 1_000_000;
    // A sweep that is gone on with may have passed the place of a file before it was there: only one that began with all of them has to find them.
    /** Files that are written but not visible yet. */
    let late: FileVersion[] = [];
    const versions = new Map<string, number>();
    for (let run = 0; run < 12; run++) {
      for (let i = upTo(6); i > 0; i--) {
        now += upTo(3) * 400;
        const path = `p${upTo(30)}`;
        const version = (versions.get(path) ?? 0) + 1;
        versions.set(path, version);
        const file = fileAt(path, Math.floor(now / 1000) * 1000, String(version));
        if (random() < 0.3) late.push(file);
        else there.set(path, file);
      }
      now += upTo(20) * 60_000;
      // What is late comes within the window, unless a newer version of it is there.
      const visible = late.filter((file) => random() < 0.5 || now - file.modified.getTime() > HOUR / 4);
      late = late.filter((file) => !visible.includes(file));
      for (const file of visible)
        if (Number(there.get(file.path)?.tag ?? 0) < Number(file.tag)) there.set(file.path, file);
      const ledger = openLedger(cursor, HOUR);
      let stopped = false;
      for (let last = !ledger.isUnderWay; !stopped; last = true) {
        const partial = !ledger.isUnderWay && random() < 0.5;
        const { after, until } = ledger.begin(now, { partial });
        for (const file of [...there.values()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
          if (after !== undefined && file.path <= after) continue;
          if (partial && random() < 0.5) continue;
          const what = ledger.look(file);
          if (what === "done" || what === "later") continue;
          expect(file.modified.getTime()).toBeLessThanOrEqual(until);
          read.push(`${file.path}:${file.tag}`);
          ledger.finish(file);
          cursor = stored(ledger.cursor());
          if (random() < 0.2) {
            stopped = true;
            break;
          }
        }
        if (stopped) break;
        ledger.end();
        cursor = stored(ledger.cursor());
        if (!last) continue;
        if (partial) break;
        for (const file of there.values())
          if (file.modified.getTime() <= until) all.add(`${file.path}:${file.tag}`);
        break;
      }
    }
    expect(new Set(read).size, `round ${round}: none twice`).toBe(read.length);
    const missed = [...all].filter((one) => !read.includes(one));
    expect(missed, `round ${round}: none missed`).toEqual([]);
  }
});
