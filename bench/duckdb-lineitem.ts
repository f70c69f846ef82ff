/** A column of a table like TPC-H's `lineitem` as DuckDB computes it of a row's number `r` and a salt `s`. */
const columns = [
  "(r // 32) * 32 + (r // 4) % 8 + 1 as l_orderkey",
  "1 + cast(hash(r, s) % 200000 as bigint) as l_partkey",
  "1 + cast(hash(r, s, 1) % 10000 as bigint) as l_suppkey",
  "cast(r % 4 + 1 as integer) as l_linenumber",
  "cast(1 + hash(r, s, 2) % 50 as decimal(15,2)) as l_quantity",
  "cast(hash(r, s, 3) % 10000000 / 100 as decimal(15,2)) as l_extendedprice",
  "cast(hash(r, s, 4) % 11 / 100 as decimal(15,2)) as l_discount",
  "cast(hash(r, s, 5) % 9 / 100 as decimal(15,2)) as l_tax",
  "substr('RAN', cast(hash(r, s, 6) % 3 + 1 as integer), 1) as l_returnflag",
  "substr('OF', cast(hash(r, s, 7) % 2 + 1 as integer), 1) as l_linestatus",
  "date '1992-01-01' + cast(hash(r, s, 8) % 2500 as integer) as l_shipdate",
  "date '1992-01-01' + cast(hash(r, s, 9) % 2500 as integer) as l_commitdate",
  "date '1992-01-01' + cast(hash(r, s, 10) % 2500 as integer) as l_receiptdate",
  "(['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[cast(hash(r, s, 11) % 4 + 1 as integer)] as l_shipinstruct",
  "(['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'])[cast(hash(r, s, 12) % 7 + 1 as integer)] as l_shipmode",
  "substr(concat_ws(' ', hash(r, s, 13), hash(r, s, 14), hash(r, s, 15)), 1, 10 + cast(hash(r, s, 16) % 34 as integer)) as l_comment",
];

/** Columns by which rows of {@link lineitemRows} are known. */
export const lineitemKey = ["l_orderkey", "l_linenumber"] as const;

/** A query for the rows whose numbers `r` the query `numbers` gives. */
export function lineitemRows(numbers: string, salt: number): string {
  return `select ${columns.join(", ")} from (select r, ${salt} as s from (${numbers}))`;
}
