import { createReadStream, statSync, existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { writeLineitemText } from "./lineitem-text.ts";
import { jsonLines } from "../packages/sources/src/files/json/index.ts";
import { csv } from "../packages/sources/src/files/csv/index.ts";
const kind = process.argv[2] ?? "csv"; const path = `/tmp/text-bench/lineitem.${kind}`;
if (!existsSync(path)) { (await import("node:fs")).mkdirSync("/tmp/text-bench", {recursive:true}); await writeLineitemText(path, 1_000_000, kind as "csv"); }
const size = statSync(path).size;
const file: any = { path, size, modified: new Date(0), tag: "", compression: "none",
  async *read(offset = 0) { await using h = await open(path); const b = 2<<20; for (let at = offset;;) { const buf = Buffer.allocUnsafe(b); const {bytesRead} = await h.read(buf, 0, b, at); if (!bytesRead) return; at += bytesRead; yield buf.subarray(0, bytesRead); } },
  async range(s: number, e: number) { await using h = await open(path); const buf = Buffer.alloc(e-s); await h.read(buf,0,e-s,s); return buf; } };
let c0 = process.cpuUsage();
let n = 0; for await (const c of file.read()) n += c.length;
let u = process.cpuUsage(c0); console.log("drain", (size/1e6/((u.user+u.system)/1e6)).toFixed(0), "MB/s");
const dec = (kind==="csv" ? csv() : jsonLines()).decoder({ signal: new AbortController().signal, schema: {fields: []}, batchBytes: 2<<20 });
for (let k=0;k<3;k++){
c0 = process.cpuUsage(); let rows = 0;
for await (const item of dec.read(file)) { if ("batch" in item) { rows += item.batch.length; item.release?.(); } else console.log(item.refused.length, item.refused[0]); }
u = process.cpuUsage(c0); const s = (u.user+u.system)/1e6; console.log(rows, "rows", s.toFixed(2), "s", (size/1e6/s).toFixed(0), "MB/s");
}
