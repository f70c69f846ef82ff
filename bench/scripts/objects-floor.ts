import { flatRows, nestedOrders } from "../objects.ts";

// What any staging as text pays at least: JSON.stringify of the same objects, thrown away.
const [shape, count] = [process.argv[2], Number(process.argv[3])];
const distinct = Math.min(count, 100_000);
const rows: object[] = shape === "nested" ? nestedOrders(distinct) : flatRows(distinct);
const cpu = process.cpuUsage();
const started = performance.now();
let characters = 0;
for (let done = 0; done < count; done += distinct)
  for (const row of rows) characters += JSON.stringify(row).length;
const wall = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
if (characters === 0) throw new Error("nothing was measured");
process.stdout.write(
  `${JSON.stringify({ rows: count, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 })}\n`,
);
