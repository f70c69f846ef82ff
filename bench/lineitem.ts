import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";

/**
 * A table like TPC-H's `lineitem` (column names, types and value ranges of the specification, §1.4 and §4.2.3; not its exact values):
 * 3 bigint, 1 int, 4 numeric(15,2), 2 char(1), 3 date, 2 padded char, 1 varchar. Every row is a function of its number,
 * so a table of N rows is the beginning of any larger one.
 */
export const lineitemColumns = [
  "l_orderkey bigint not null",
  "l_partkey bigint not null",
  "l_suppkey bigint not null",
  "l_linenumber integer not null",
  "l_quantity numeric(15,2) not null",
  "l_extendedprice numeric(15,2) not null",
  "l_discount numeric(15,2) not null",
  "l_tax numeric(15,2) not null",
  "l_returnflag char(1) not null",
  "l_linestatus char(1) not null",
  "l_shipdate date not null",
  "l_commitdate date not null",
  "l_receiptdate date not null",
  "l_shipinstruct char(25) not null",
  "l_shipmode char(10) not null",
  "l_comment varchar(44) not null",
] as const;

const instructions = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"];
const modes = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"];
const words =
  "foxes ideas theodolites pinto beans instructions dependencies excuses platelets asymptotes courts dolphins carefully quickly furiously blithely slyly express regular final special pending bold even silent ironic sleep wake haggle nag cajole detect integrate boost among above the after against".split(
    " ",
  );
const rowsPerChunk = 2000;
/** Days from 2000-01-01 (the server's epoch of dates) to 1992-01-01, where TPC-H's order dates begin. */
const firstDay = -2922;
/** The day from which TPC-H calls a line open: 1995-06-17. */
const currentDay = -1659;

/** Mixes a row number and a salt to 32 random-looking bits (the finalizer of MurmurHash3). */
function mix(row: number, salt: number): number {
  let hash = Math.imul(row ^ Math.imul(salt, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Writes rows in the binary COPY format: the server takes it several times faster than text. */
class RowWriter {
  buffer: Buffer = Buffer.allocUnsafe(rowsPerChunk * 400);
  at = 0;
  int64(value: number): void {
    this.at = this.buffer.writeInt32BE(8, this.at);
    this.at = this.buffer.writeInt32BE(Math.floor(value / 2 ** 32), this.at);
    this.at = this.buffer.writeUInt32BE(value % 2 ** 32, this.at);
  }
  int32(value: number): void {
    this.at = this.buffer.writeInt32BE(4, this.at);
    this.at = this.buffer.writeInt32BE(value, this.at);
  }
  text(value: string): void {
    this.at = this.buffer.writeInt32BE(value.length, this.at);
    this.at += this.buffer.write(value, this.at, "latin1");
  }
  /** `numeric` with two places, given in hundredths: digits to the base of 10 000, without zero groups at either end. */
  numeric(hundredths: number): void {
    const whole = Math.floor(hundredths / 100);
    const groups = [
      Math.floor(whole / 100_000_000),
      Math.floor(whole / 10_000) % 10_000,
      whole % 10_000,
      (hundredths % 100) * 100,
    ];
    let first = 0;
    while (first < 4 && groups[first] === 0) first++;
    let end = 4;
    while (end > first && groups[end - 1] === 0) end--;
    this.at = this.buffer.writeInt32BE(8 + 2 * (end - first), this.at);
    this.at = this.buffer.writeInt16BE(end - first, this.at);
    this.at = this.buffer.writeInt16BE(end === first ? 0 : 2 - first, this.at);
    this.at = this.buffer.writeInt32BE(2, this.at); // sign 0, two places shown
    for (let i = first; i < end; i++) this.at = this.buffer.writeInt16BE(groups[i]!, this.at);
  }
}

function comment(row: number): string {
  const size = 10 + (mix(row, 20) % 34);
  let text = "";
  for (let i = 21; text.length < size; i++) text += `${words[mix(row, i) % words.length]!} `;
  return text.slice(0, size);
}

function write(out: RowWriter, row: number): void {
  // Orders have one to seven lines, four on average; keys are sparse as in TPC-H (8 of each 32).
  const order = row >>> 2;
  const part = 1 + (mix(row, 1) % 200_000);
  const quantity = 1 + (mix(row, 2) % 50);
  const shipped = firstDay + (mix(order, 3) % 2405) + 1 + (mix(row, 4) % 121);
  const received = shipped + 1 + (mix(row, 5) % 30);
  out.at = out.buffer.writeInt16BE(lineitemColumns.length, out.at);
  out.int64((order >>> 3) * 32 + (order & 7) + 1);
  out.int64(part);
  out.int64(1 + (mix(row, 6) % 10_000));
  out.int32((row & 3) + 1);
  out.numeric(quantity * 100);
  out.numeric(quantity * (90_000 + (Math.floor(part / 10) % 20_001) + 100 * (part % 1000)));
  out.numeric(mix(row, 7) % 11);
  out.numeric(mix(row, 8) % 9);
  out.text(received <= currentDay ? (mix(row, 9) & 1 ? "R" : "A") : "N");
  out.text(shipped > currentDay ? "O" : "F");
  out.int32(shipped);
  out.int32(firstDay + (mix(order, 3) % 2405) + 30 + (mix(row, 10) % 61));
  out.int32(received);
  out.text(instructions[mix(row, 11) % instructions.length]!.padEnd(25));
  out.text(modes[mix(row, 12) % modes.length]!.padEnd(10));
  out.text(comment(row));
}

function* copyBytes(rows: number): Generator<Buffer> {
  yield Buffer.from("5047434f50590aff0d0a000000000000000000", "hex"); // signature, flags, no extension
  for (let start = 0; start < rows; start += rowsPerChunk) {
    const out = new RowWriter();
    for (let row = start; row < Math.min(rows, start + rowsPerChunk); row++) write(out, row);
    yield out.buffer.subarray(0, out.at);
  }
  yield Buffer.from("ffff", "hex");
}

/** Makes the table anew with `rows` rows, frozen and analysed, so that the first read of it writes nothing. */
export async function createLineitem(url: string, rows: number, table: string = "lineitem"): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const name = pg.escapeIdentifier(table);
    await client.query("begin");
    await client.query(`drop table if exists ${name}`);
    await client.query(`create table ${name} (${lineitemColumns.join(", ")})`);
    await pipeline(
      Readable.from(copyBytes(rows), { objectMode: false, highWaterMark: 1 << 20 }),
      client.query(copyFrom(`copy ${name} from stdin (format binary, freeze)`)),
    );
    await client.query("commit");
    await client.query(`vacuum analyze ${name}`);
  } finally {
    await client.end();
  }
}

// `node --conditions=@alluvium/source bench/lineitem.ts URL [--rows 6000000] [--table lineitem]`
if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: "string", default: "6000000" },
      table: { type: "string", default: "lineitem" },
    },
  });
  await createLineitem(positionals[0]!, Number(values.rows), values.table);
}
