import { pipeline, resource, source, typed } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";

interface Visit {
  id: number;
  day: string;
  pages: number;
}
let counted = 3;

// #region backfill
const june = { ">=": "2026-06-01", "<": "2026-07-01" };
const visits = resource({
  name: "visits",
  schema: typed<Visit>(),
  cursor: "day",
  disposition: { append: { replaceWhere: { day: june } } },
  *read({ since = "2026-05-01", until = "9999-12-31" }) {
    for (const visit of allVisits()) if (visit.day >= since && visit.day < until) yield visit;
  },
});
const load = pipeline({
  name: "web",
  source: source("web", () => [visits])(),
  destination: delta({ url: "./lake" }),
});
await load.run(); // all visits; later runs append what is new

// June was counted wrongly. Its rows are read again and take the place of those in the
// window; the cursor stays where it is.
counted = 4;
const { tables } = await load.run({ since: "2026-06-01", until: "2026-07-01" });
console.log(tables.visits.rows); // 30
// #endregion backfill

function* allVisits(): Generator<Visit> {
  for (let id = 0; id < 90; id++) {
    const day = new Date(Date.UTC(2026, 4, 1 + id)).toISOString().slice(0, 10);
    yield { id, day, pages: day.startsWith("2026-06") ? counted : 3 };
  }
}
