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

/** Takes the values of rows, column by column. Dates are days since 2000-01-01. */
export interface RowSink {
  begin(): void;
  int64(value: number): void;
  int32(value: number): void;
  date(value: number): void;
  text(value: string): void;
  /** `numeric` with two places, given in hundredths. */
  numeric(hundredths: number): void;
}

function comment(row: number): string {
  const size = 10 + (mix(row, 20) % 34);
  let text = "";
  for (let i = 21; text.length < size; i++) text += `${words[mix(row, i) % words.length]!} `;
  return text.slice(0, size);
}

/** Gives a sink the values of a row by its number. */
export function writeLineitem(out: RowSink, row: number): void {
  // Orders have one to seven lines, four on average; keys are sparse as in TPC-H (8 of each 32).
  const order = row >>> 2;
  const part = 1 + (mix(row, 1) % 200_000);
  const quantity = 1 + (mix(row, 2) % 50);
  const shipped = firstDay + (mix(order, 3) % 2405) + 1 + (mix(row, 4) % 121);
  const received = shipped + 1 + (mix(row, 5) % 30);
  out.begin();
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
  out.date(shipped);
  out.date(firstDay + (mix(order, 3) % 2405) + 30 + (mix(row, 10) % 61));
  out.date(received);
  out.text(instructions[mix(row, 11) % instructions.length]!.padEnd(25));
  out.text(modes[mix(row, 12) % modes.length]!.padEnd(10));
  out.text(comment(row));
}
