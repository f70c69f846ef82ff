import { deltaTable } from "@alluvium/destinations/delta";

// Reads all rows of a Delta table as batches: `scan-delta.ts TABLE`.
const table = deltaTable(process.argv[2]!);
const cpu = process.cpuUsage();
const started = performance.now();
let rows = 0;
for await (const { length } of table.scan()) rows += length;
const wall = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
process.stdout.write(`${JSON.stringify({ rows, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 })}\n`);
