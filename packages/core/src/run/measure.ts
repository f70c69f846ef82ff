import type { RowCounts } from "../destination.ts";

/** A count with thousands separators: `1,234,567`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes for people: `0 B`, `1.5 KiB`, `870 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A duration for people: `85 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${countText(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** Lines of cells in aligned columns; `right` tells which columns end flush. */
export function alignCells(lines: readonly (readonly string[])[], right: readonly boolean[]): string[] {
  const widths = right.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? "").length)));
  return lines.map((line) =>
    line
      .map((cell, i) => (right[i] === true ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** What a merge did, for people: `3 inserted, 1 deleted`; what did not happen is left out. */
export function changedText(counts: RowCounts): string {
  const parts = (["inserted", "updated", "deleted"] as const)
    .filter((key) => counts[key] > 0)
    .map((key) => `${countText(counts[key])} ${key}`);
  return parts.length > 0 ? parts.join(", ") : "nothing changed";
}
