import { AlluviumError } from "../src/errors.ts";
import { bitAt } from "../src/columns/bitmap.ts";
import { ChangeOp } from "../src/columns/batch.ts";
import { rowsOf } from "../src/columns/rows.ts";
import { source } from "../src/source.ts";
import { sourceContext } from "../src/testing/index.ts";
import type { Stream, StreamContext } from "../src/stream.ts";
import type { AnyResource } from "../src/transform.ts";

const never = new AbortController().signal;

/** The streams of a source of these resources, opened. */
export async function streamsOf(
  resources: readonly AnyResource[],
  only?: readonly string[],
): Promise<readonly Stream[]> {
  const session = await source("test", () => resources)().open(sourceContext(only && { only }));
  return session.streams;
}

/** What reading a stream gave. */
export interface Outcome {
  /** Rows by resource, with the op of those that have one. */
  readonly tables: Record<string, Record<string, unknown>[]>;
  /** As stored: encoded, and decoded again. */
  readonly cursor: unknown;
}

/** Reads one stream to its end, by way of the stored form of its cursor. Cells that a change leaves as they are read `unchanged`. */
export async function readStream(
  stream: Stream,
  since?: unknown,
  context: Partial<StreamContext> = {},
): Promise<Outcome> {
  const tables: Outcome["tables"] = {};
  let cursor: unknown;
  for await (const item of stream.read({
    signal: never,
    since,
    budget: 1 << 24,
    attempt: 1,
    emit: () => {},
    ...context,
  })) {
    if ("checkpoint" in item) {
      cursor = stream.cursor.decode(
        JSON.parse(JSON.stringify(stream.cursor.encode(item.checkpoint))),
        stream.cursor.version,
      );
      continue;
    }
    if ("refused" in item) throw new AlluviumError(item.refused[0]!.reason, item.refused[0]!.message);
    const { changes } = item.batch;
    const names = Object.entries(ChangeOp);
    const keys = changes?.oldKeys && rowsOf(changes.oldKeys);
    const rows = rowsOf(item.batch).map((row, i) => {
      if (changes === undefined) return row;
      item.batch.schema.fields.forEach(({ name }, at) => {
        const bits = changes.unchanged?.[at];
        if (bits !== undefined && bitAt(bits, i)) row[name] = "unchanged";
      });
      return {
        ...row,
        op: names.find(([, op]) => op === changes.ops[i])![0],
        at: Number(changes.ordinals[i]),
        ...(keys !== undefined && { old: keys[i] }),
      };
    });
    (tables[item.table] ??= []).push(...rows);
  }
  return { tables, cursor };
}

/** The rows of all tables. */
export async function readAll(...resources: AnyResource[]): Promise<Outcome["tables"]> {
  const tables = {};
  for (const stream of await streamsOf(resources)) Object.assign(tables, (await readStream(stream)).tables);
  return tables;
}
