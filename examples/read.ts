// #region read
import { rowsOf } from "@alluvium/core/columns";
import { deltaTable } from "@alluvium/destinations/delta";

const issues = deltaTable("./lake/issues");
for await (const batch of issues.scan({
  columns: ["id", "title"],
  where: [{ column: "open", op: "=", value: true }],
}))
  for (const row of rowsOf(batch)) console.log(row);
// #endregion read
