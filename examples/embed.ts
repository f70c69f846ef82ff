import { AlluviumError, pipeline, resource, source, typed } from "@alluvium/core";
import { progress } from "@alluvium/core/progress";
import { delta } from "@alluvium/destinations/delta";

const readings = resource({
  name: "readings",
  schema: typed<{ id: number; at: Date }>(),
  cursor: { column: "at", order: "ascending" },
  *read({ since = new Date(0) }) {
    for (let id = 1; id <= 1_000; id++) {
      const at = new Date(Date.UTC(2026, 0, 1) + id * 60_000);
      if (at >= since) yield { id, at };
    }
  },
});
const load = pipeline({
  name: "sensors",
  source: source("sensors", () => [readings])(),
  destination: delta({ url: "./lake" }),
  budget: 64 * 1024 * 1024, // bytes that a run may hold at once
});

// #region run
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort(new Error("the server is shutting down")));

try {
  const report = await load.run({
    // Ends the run at once; what is committed stays.
    signal: stop.signal,
    // Stops reading then, and commits up to the last checkpoint.
    deadline: new Date(Date.now() + 10 * 60_000),
    onEvent: (event) => {
      if (event.type === "loadCommitted") console.log("load", event.sequence, "is committed");
      if (event.type === "retry") console.warn(event.stream, event.message);
    },
  });
  // The next run goes on from there.
  if (!report.complete) console.warn(report.problems);
} catch (error) {
  // An abort rejects with `signal.reason`.
  if (!AlluviumError.is(error)) throw error;
  // The report of a failed run says what was committed.
  console.error(error.code, error.message, error.report);
}
// #endregion run

// #region progress
using shown = progress({ stream: process.stderr });
await load.run({ onEvent: shown.onEvent });
// #endregion progress

// #region manage
const state = await load.state(); // cursors and tables, as of the last load
console.log(state?.sequence);
for (const { sequence, committedAt, tables } of await load.history({ limit: 5 }))
  for (const { table, rows } of tables)
    console.log(sequence, committedAt, `${table}: ${rows}`);

for (const { table, reason } of await load.parked()) {
  console.log(`${table} is set aside: ${reason}`);
  await load.retry(table); // or skip(table), or resync(table)
}
// #endregion manage
