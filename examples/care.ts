// #region optimize
import { deltaTable } from "@alluvium/destinations/delta";

const issues = deltaTable("./lake/issues");
// Small files become large ones, deleted rows leave their files; the rows stay the same.
const optimized = await issues.optimize({ orderBy: ["id"] });
console.log(`${optimized.filesRemoved} files became ${optimized.filesAdded}`);
// #endregion optimize

// #region erase
const erased = await issues.delete({ where: [{ column: "id", op: "=", value: 2 }], purge: true });
console.log(`${erased.rowsDeleted} rows are gone; versions to ${erased.remains?.untilVersion} hold them`);
console.log(`a vacuum after ${erased.remains?.filesUntil.toISOString()} deletes those files`);
// #endregion erase

// #region vacuum
// The table's own retention, 7 days at least.
const { files, logFiles } = await issues.vacuum({ dryRun: true });
console.log(`${files} files and ${logFiles} files of the log could go`);
// #endregion vacuum

// #region verify
const { sound, findings } = await issues.verify({ deep: true });
console.log(sound ? "sound" : findings.filter(({ kind }) => kind !== "orphan"));
// #endregion verify

// #region changes
for await (const { version, kind, batch } of issues.changes({ from: 0, key: ["id"] }))
  console.log(version, kind, batch.length);
// #endregion changes

// #region restore
const { version } = await issues.restore({ version: 0 });
console.log(`version ${version} holds what version 0 held`);
// #endregion restore
