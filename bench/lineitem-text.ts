import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { civilOf } from "@alluvium/core/columns";
import { lineitemColumns, writeLineitem, type RowSink } from "./lineitem-rows.ts";

const names = lineitemColumns.map((column) => column.split(" ", 1)[0]!);
/** Days from 1970 to 2000, where the rows count from. */
const daysTo2000 = 10_957;

/** Takes the values of a row as text. */
class TextRow implements RowSink {
  cells: string[] = [];
  begin(): void {
    this.cells = [];
  }
  int64(value: number): void {
    this.cells.push(String(value));
  }
  int32(value: number): void {
    this.cells.push(String(value));
  }
  numeric(hundredths: number): void {
    this.cells.push(`${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}`);
  }
  text(value: string): void {
    this.cells.push(value.trimEnd());
  }
  date(value: number): void {
    const { year, month, day } = civilOf(value + daysTo2000);
    this.cells.push(`${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`);
  }
}

/** Columns that are text, whose cells JSON has in quotes. */
const isText = lineitemColumns.map((column) => /char|date/.test(column));

/** Writes `rows` rows of lineitem to a file, as CSV with a header or as JSON lines. Gives its size. */
export async function writeLineitemText(
  path: string,
  rows: number,
  format: "csv" | "jsonl",
): Promise<number> {
  const out = createWriteStream(path, { highWaterMark: 1 << 20 });
  const row = new TextRow();
  let size = 0;
  let page = format === "csv" ? `${names.join(",")}\n` : "";
  for (let i = 0; i < rows; i++) {
    writeLineitem(row, i);
    if (format === "csv") page += `${row.cells.join(",")}\n`;
    else
      page += `{${row.cells.map((cell, at) => `"${names[at]}":${isText[at] ? `"${cell}"` : cell}`).join(",")}}\n`;
    if (page.length > 1 << 19 || i === rows - 1) {
      size += page.length;
      if (!out.write(page)) await once(out, "drain");
      page = "";
    }
  }
  out.end();
  await once(out, "close");
  return size;
}
