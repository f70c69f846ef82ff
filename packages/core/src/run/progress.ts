/**
 * Renders a run's events on a terminal.
 *
 * @module core/progress
 */
import type { RunEvent } from "./events.ts";
import { alignCells, bytesText, changedText, countText, durationText } from "./measure.ts";

/** Where progress is written: `process.stderr`, or anything like it. */
export interface ProgressStream {
  /** Whether it is a terminal: then lines are drawn over. */
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal. @default 80 */
  readonly columns?: number | undefined;
  /** Height of the terminal. @default 24 */
  readonly rows?: number | undefined;
  /** Writes text. */
  write(text: string): unknown;
}

/** Options of {@link progress}. */
export interface ProgressOptions {
  /** Where to write. Nothing is ever written anywhere else. */
  readonly stream: ProgressStream;
  /** Milliseconds between two pictures on a terminal. @default 100 */
  readonly interval?: number;
  /** Milliseconds between two lines where the stream is no terminal. @default 10 000 */
  readonly lineInterval?: number;
}

/** Shows a run. Give `onEvent` to the run; disposing it gives the terminal back (a finished run does so by itself). */
export interface Progress extends Disposable {
  /** Takes the events of a run. */
  readonly onEvent: (event: RunEvent) => void;
}

/** What is known of one table. */
interface Line {
  readonly table: string;
  readonly stream: string;
  rows: number;
  bytes: number;
  started: number;
  ended: number | undefined;
  expected: number | undefined;
  note: string;
}

const hideCursor = "\u001B[?25l";
const showCursor = "\u001B[?25h";
const clearLine = "\u001B[2K";

/**
 * Shows a run as it goes: on a terminal a line for each table that keeps itself up to date, elsewhere a plain line now and then.
 *
 * @example
 * ```ts
 * using shown = progress({ stream: process.stderr });
 * await load.run({ onEvent: shown.onEvent });
 * ```
 */
export function progress(options: ProgressOptions): Progress {
  const { stream } = options;
  const live = stream.isTTY === true;
  const interval = live ? (options.interval ?? 100) : (options.lineInterval ?? 10_000);
  const lines = new Map<string, Line>();
  let message = "";
  let drawn = 0;
  let now = 0;
  let shownAt = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  let hidden = false;

  function picture(): string[] {
    const width = Math.max(20, (stream.columns ?? 80) - 1);
    const most = Math.max(1, (stream.rows ?? 24) - 2);
    const all = [...lines.values()];
    // On a small screen tables in progress come first.
    const chosen =
      all.length <= most
        ? all
        : [
            ...all.filter(({ ended }) => ended === undefined),
            ...all.filter(({ ended }) => ended !== undefined),
          ].slice(0, most);
    const cells = chosen.map((line) => cellsOf(line, now));
    const text = alignCells(cells, [false, true, true, true, false]);
    if (message !== "") text.push(message);
    return text.map((one) => (one.length > width ? `${one.slice(0, width - 1)}…` : one));
  }

  /** Goes up over the last picture and draws the next one over it, line by line, so that nothing flickers. */
  function draw(): void {
    if (!hidden) stream.write(hideCursor);
    hidden = true;
    const text = picture();
    const up = drawn > 0 ? `\u001B[${drawn}A` : "";
    const rest = drawn > text.length ? `${clearLine}\n`.repeat(drawn - text.length) : "";
    stream.write(`${up}${text.map((one) => `\r${clearLine}${one}\n`).join("")}${rest}`);
    drawn = Math.max(drawn, text.length);
  }

  function show(force: boolean): void {
    if (!force && Date.now() - shownAt < interval) return;
    shownAt = Date.now();
    if (live) draw();
    else {
      const active = [...lines.values()].filter(({ ended }) => ended === undefined);
      const rows = [...lines.values()].reduce((sum, line) => sum + line.rows, 0);
      const bytes = [...lines.values()].reduce((sum, line) => sum + line.bytes, 0);
      if (active.length > 0)
        stream.write(
          `${countText(rows)} rows, ${bytesText(bytes)} read; reading ${active.map(({ table }) => table).join(", ")}\n`,
        );
    }
  }

  function say(text: string): void {
    message = text;
    if (!live) stream.write(`${text}\n`);
  }

  function close(): void {
    clearInterval(timer);
    timer = undefined;
    if (hidden) stream.write(showCursor);
    hidden = false;
    drawn = 0;
  }

  function note(event: RunEvent): void {
    switch (event.type) {
      case "runStarted":
        lines.clear();
        message = "";
        shownAt = Date.now();
        timer ??= setInterval(() => {
          now = Date.now();
          show(false);
        }, interval);
        timer.unref();
        return;
      case "streamStarted":
        for (const table of event.tables) {
          const line = lines.get(table);
          if (line === undefined)
            lines.set(table, {
              table,
              stream: event.stream,
              rows: 0,
              bytes: 0,
              started: event.time,
              ended: undefined,
              expected: event.tables.length === 1 ? event.expectedRows : undefined,
              note: "",
            });
          else
            Object.assign(line, { rows: 0, bytes: 0, started: event.time, note: `attempt ${event.attempt}` });
        }
        return;
      case "batchRead": {
        const line = lines.get(event.table);
        if (line === undefined) return;
        line.rows += event.rows;
        line.bytes += event.bytes;
        return;
      }
      case "streamFinished":
        for (const line of lines.values())
          if (line.stream === event.stream) Object.assign(line, { ended: event.time, note: "read" });
        return;
      case "retry":
        for (const line of lines.values())
          if (line.stream === event.stream)
            line.note = `again ${event.delay === 0 ? "now" : `in ${durationText(event.delay)}`}: ${event.message}`;
        return;
      case "loadCommitted":
        for (const { table, changed } of event.tables) {
          const line = lines.get(table);
          if (line?.ended !== undefined)
            line.note = changed === undefined ? "committed" : `committed: ${changedText(changed)}`;
        }
        say(`load ${event.sequence} committed`);
        return;
      case "recovered":
        say(`finished load ${event.loadId}, which an earlier run had left`);
        return;
      case "tableRefreshed":
        say(`table ${event.table} is loaded anew (refresh: ${event.refresh})`);
        return;
      case "waiting":
        say(`waiting: ${event.reason}`);
        return;
      case "tableParked":
        say(`table ${event.table} was set aside: ${event.reason}`);
        return;
      case "tableOptimized":
        say(`table ${event.table}: ${event.filesRemoved} files became ${event.filesAdded}`);
        return;
      case "rowsQuarantined":
        say(`${countText(event.rows)} rows of ${event.table} were refused; they are in ${event.quarantine}`);
        return;
      case "warning":
        say(`warning: ${event.message}`);
        return;
      case "runFinished":
        if (event.report.complete) message = "";
        return;
      case "checkFinished":
        if (!event.check.passed)
          say(`check ${event.check.name} of ${event.table} failed (${event.check.severity})`);
        return;
      case "acknowledged":
      case "acknowledgeFailed":
      case "checkpoint":
      case "fileWritten":
      case "schemaChanged":
    }
  }

  return {
    onEvent(event) {
      now = event.time;
      note(event);
      if (event.type === "runFinished") {
        if (live && lines.size > 0) show(true);
        close();
      } else if (event.type !== "runStarted") show(false);
    },
    [Symbol.dispose]: close,
  };
}

function cellsOf(line: Line, now: number): string[] {
  const milliseconds = Math.max(1, (line.ended ?? now) - line.started);
  const rate = `${countText(Math.round((line.rows * 1000) / milliseconds))} rows/s`;
  const share =
    line.expected !== undefined && line.expected > 0 && line.ended === undefined
      ? `${Math.min(99, Math.floor((100 * line.rows) / line.expected))} %`
      : line.note;
  return [line.table, `${countText(line.rows)} rows`, bytesText(line.bytes), rate, share];
}
