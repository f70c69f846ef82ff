// #region read
import { rowsOf } from "@alluvium/core/columns";
import { deltaTable } from "@alluvium/destinations/delta";

const issues = deltaTable("./lake/issues");
// The newest version; or { version: 3 }, or { timestamp: new Date("2026-06-01") }.
const snapshot = await issues.snapshot();
console.log(snapshot.version, await snapshot.rows());

// Files that cannot hold such a row are not opened.
for await (const batch of snapshot.scan({
  columns: ["id", "title"],
  where: [{ column: "open", op: "=", value: true }],
}))
  for (const row of rowsOf(batch)) console.log(row);
// #endregion read

// #region history
for await (const { version, operation, timestamp } of issues.history({ limit: 10 }))
  console.log(version, operation, timestamp);
// #endregion history
