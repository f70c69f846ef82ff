import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, onTestFinished } from "vitest";
import {
  AlluviumError,
  pipeline,
  resource,
  source,
  type ErrorCode,
  type Pipeline,
  type PipelineDefinition,
  type RunEvent,
  type RunOptions,
  type Source,
} from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { delta, deltaTable } from "@alluvium/destinations/delta";

/** Never to be seen in what a run says. */
export const secret = "hunter2-hunter2";

/** A folder of its own for a test. */
export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-bad-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A source of one resource `t`, whose options are as a caller without types gives them. */
export function tableSource(options: object): Source {
  return source("s", () => [resource({ name: "t", ...options } as never)])() as Source;
}

/** Yields these rows. */
export function yields(rows: readonly unknown[]): { read: () => AsyncGenerator<unknown> } {
  return {
    async *read() {
      yield rows;
    },
  };
}

/** A pipeline `p` from a source into a Delta lake. */
export function lakeOf(
  from: Source,
  url: string,
  more: Partial<PipelineDefinition> | Record<string, unknown> = {},
): Pipeline {
  return pipeline({ name: "p", source: from, destination: delta({ url }), ...more } as never) as Pipeline;
}

/** Retries that do not hold up a test. */
export const quick = { retry: { attempts: 2, minDelay: 1, maxDelay: 5 } } as const;

/** Rows of a Delta table by value, in the order of their text, without the load's id. */
export async function tableRows(path: string): Promise<readonly object[]> {
  const rows: object[] = [];
  for await (const batch of deltaTable(path).scan())
    for (const { _alv_load_id: _, ...row } of rowsOf(batch) as Record<string, unknown>[]) rows.push(row);
  return rows.sort((a, b) => (inspect(a) < inspect(b) ? -1 : 1));
}

/**
 * The one error of what must fail: an AlluviumError of `code` whose message has each part, that holds no secret anywhere, and whose
 * run, if it is one, ended with a report.
 */
export async function expectFailure(
  code: ErrorCode,
  parts: readonly (string | RegExp)[],
  act: () => unknown,
): Promise<AlluviumError> {
  let error: unknown;
  try {
    const result = await act();
    throw new Error(`it did not fail: ${inspect(result, { depth: 4 })}`);
  } catch (thrown) {
    error = thrown;
  }
  if (!AlluviumError.is(error)) throw error;
  expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  for (const part of parts) expect(error.message).toMatch(part);
  expect(error.message).not.toMatch(/\[object|is not a function|Cannot read prop/);
  expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(secret);
  return error;
}

/** Runs a pipeline that must fail, as {@link expectFailure}; its events hold no secret either, and tell of one end with the same problem. */
export async function expectFailedRun(
  code: ErrorCode,
  parts: readonly (string | RegExp)[],
  lake: () => Pipeline,
  options: RunOptions | Record<string, unknown> = {},
): Promise<AlluviumError> {
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent): void => void events.push(event);
  const error = await expectFailure(code, parts, () => lake().run({ ...quick, onEvent, ...options }));
  expect(inspect(events, { depth: 12, showHidden: true })).not.toContain(secret);
  if (events.length > 0) {
    expect(events.filter(({ type }) => type === "runFinished")).toHaveLength(1);
    expect(error.report).toMatchObject({ complete: false, problems: [{ code, message: error.message }] });
    expect(error.pipeline).toBe("p");
  }
  return error;
}
