import { AlluviumError, type Condition } from "@alluvium/core";
import { castVector, type Batch, type Vector } from "@alluvium/core/columns";
import { openParquet } from "@alluvium/core/parquet";
import { objectSource } from "../../lake/files/object-source.ts";
import { inTable } from "../log/paths.ts";
import { columnsOf } from "../read/columns.ts";
import { predicatesOf, rowMatcher, type Predicate } from "../read/predicate.ts";
import { lakeOf, pendingFiles, refuseRunning } from "./lake.ts";
import { isOurs } from "./table-files.ts";
import { openToRead, type CareContext } from "./target.ts";

/**
 * Looks for rows in what loads have staged: files of the table that its log does not name. Those in hidden folders that no committed load
 * names are deleted where they hold such rows. A committed load that is not applied yet cannot be changed any more: then nothing is done,
 * and the error says which load and how to go on.
 *
 * Refused rows that are kept (quarantine) will be looked through here as well.
 */
export async function purgeStaged(
  context: CareContext,
  where: readonly Condition[],
): Promise<readonly string[]> {
  const { store, directory, signal } = context;
  const state = await openToRead(context);
  const predicates = predicatesOf(where, columnsOf(state));
  const named = new Set<string>();
  const lake = await lakeOf(context);
  if (lake !== undefined)
    for await (const { file, load } of pendingFiles(lake, context)) {
      named.add(file.staged);
      if (await holds(context, file.staged, predicates))
        throw new AlluviumError(
          "ALV_TABLE_CONFLICT",
          `load ${load.loadId} of pipeline ${load.pipeline} is committed, not yet applied to the table at ${context.url}, and holds such rows: ` +
            "run the pipeline, or settle the table if it is parked, and delete again. Nothing was deleted.",
          { pipeline: load.pipeline, load: load.loadId },
        );
    }
  const doomed: string[] = [];
  const root = inTable(directory, "");
  for await (const { path } of store.list(root, { signal })) {
    const inside = path.slice(root.length);
    if (!isOurs(inside) || !inside.endsWith(".parquet") || named.has(inside)) continue;
    if (await holds(context, inside, predicates)) doomed.push(path);
  }
  if (doomed.length === 0) return [];
  if (lake !== undefined) await refuseRunning(lake, context, "delete with purge");
  await store.delete(doomed);
  return doomed.map((path) => path.slice(root.length));
}

/** Whether a file of rows or of changes holds a row that satisfies the conditions, by the columns that it has. */
async function holds(
  { store, directory, signal }: CareContext,
  path: string,
  predicates: readonly Predicate[],
): Promise<boolean> {
  const info = await store.head(inTable(directory, path), { signal });
  if (info === undefined) return false;
  const source = objectSource(store, info.path, info.size, signal);
  const parquet = await openParquet(source, { name: info.path, signal });
  const known = new Set(parquet.schema.fields.map(({ name }) => name));
  const columns = [...new Set(predicates.map(({ column }) => column.name))].filter((name) => known.has(name));
  // A column that a file lacks may be a partition's or not sent: what cannot be ruled out counts.
  const tests = predicates.filter(({ column }) => known.has(column.name));
  if (columns.length === 0) return parquet.metadata.rows > 0;
  for await (const batch of parquet.read({ columns, signal })) {
    const matchers = tests.map((test) => rowMatcher(test, columnAs(batch, test)));
    for (let row = 0; row < batch.length; row++) if (matchers.every((matches) => matches(row))) return true;
  }
  return false;
}

function columnAs(batch: Batch, { column }: Predicate): Vector {
  const index = batch.schema.fields.findIndex(({ name }) => name === column.name);
  return castVector(batch.columns[index]!, column.type);
}
