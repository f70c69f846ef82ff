// #region load
import { pipeline, resource, source, typed } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";

interface Issue {
  id: number;
  title: string;
  open: boolean;
  updatedAt: Date;
}

const issues = resource({
  name: "issues",
  schema: typed<Issue>(), // or a zod, valibot or arktype schema, which is then checked
  primaryKey: "id",
  cursor: "updatedAt",
  async *read({ since, signal }) {
    // `since` is a Date: the greatest `updatedAt` that is committed.
    yield await fetchIssues(since, signal);
  },
});

const open = issues
  .filter((issue) => issue.open)
  .select("id", "title")
  .as("open_issues");
const tracker = source("tracker", () => [issues, open]); // one read feeds both

const load = pipeline({
  name: "tracker",
  source: tracker(),
  destination: delta({ url: "./lake" }),
});
const report = await load.run();
console.log(report.tables.open_issues.rows);
// #endregion load

// Stands for an HTTP call.
async function fetchIssues(since: Date | undefined, signal: AbortSignal): Promise<Issue[]> {
  signal.throwIfAborted();
  const all: Issue[] = [
    {
      id: 1,
      title: "Names with umlauts",
      open: true,
      updatedAt: new Date("2026-01-02T10:00:00Z"),
    },
    { id: 2, title: "Slow start", open: false, updatedAt: new Date("2026-01-03T11:30:00Z") },
  ];
  return all.filter((issue) => since === undefined || issue.updatedAt >= since);
}
