import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { Action } from "./actions.ts";

const CHUNK = 4 << 20;
const LINE_FEED = 10;

/**
 * A number that JSON holds to the letter. `JSON.rawJSON` and the reviver's `source` are in every Node that Alluvium runs on, but
 * not yet in TypeScript's library for ES2024.
 */
const json = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** Reads JSON; integers that a double cannot hold become bigint. */
export function parseExact(text: string): unknown {
  // Rare, and the reviver is ten times slower than the parser.
  if (!/[0-9]{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, function (
    this: unknown,
    _key: string,
    value: unknown,
    context?: { source?: string },
  ) {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context?.source;
    return source !== undefined && /^-?[0-9]+$/.test(source) ? BigInt(source) : value;
  } as (key: string, value: unknown) => unknown);
}

/** Writes JSON; bigint become numbers to the letter. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "bigint" ? json.rawJSON(member.toString()) : member,
  );
}

/** Actions as a commit holds them: one a line. */
export function encodeActions(actions: Iterable<Action>): Uint8Array {
  const lines: string[] = [];
  for (const action of actions) lines.push(stringifyExact(action));
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/**
 * The actions of a commit or another file of lines, one by one, holding a few MiB of it at a time.
 * A line that is not an action is `ALV_FILE_INVALID` naming file and line.
 */
export async function* readActions(
  store: ObjectStore,
  file: { readonly path: string; readonly size: number },
  signal?: AbortSignal,
): AsyncGenerator<Action> {
  let line = 0;
  for await (const text of readLines(store, file, signal)) {
    line += 1;
    if (text.trim() === "") continue;
    yield parseAction(text, file.path, line);
  }
}

function parseAction(text: string, path: string, line: number): Action {
  let cause: unknown;
  try {
    const action = parseExact(text);
    if (typeof action === "object" && action !== null && !Array.isArray(action)) {
      const problem = invalid(action as Action);
      if (problem === undefined) return action as Action;
      cause = problem;
    }
  } catch (error) {
    cause = error;
  }
  const reason = typeof cause === "string" ? cause : "not a JSON object";
  throw new AlluviumError(
    "ALV_FILE_INVALID",
    `line ${line} of ${path} is not a Delta action (${reason}). Restore the file from a backup; nothing was changed.`,
    { cause },
  );
}

/** What is wrong with an action that must have been written so; `undefined`: nothing. */
function invalid({ add, remove, metaData, protocol, txn }: Action): string | undefined {
  if (add && (typeof add.path !== "string" || !Number.isFinite(add.size) || !isObject(add.partitionValues)))
    return "add lacks path, size or partitionValues";
  if (remove && typeof remove.path !== "string") return "remove lacks path";
  if (
    metaData &&
    (typeof metaData.schemaString !== "string" ||
      typeof metaData.id !== "string" ||
      !Array.isArray(metaData.partitionColumns))
  )
    return "metaData lacks id, schemaString or partitionColumns";
  if (protocol && (!isVersion(protocol.minReaderVersion) || !isVersion(protocol.minWriterVersion)))
    return "protocol lacks minReaderVersion or minWriterVersion";
  if (
    txn &&
    (typeof txn.appId !== "string" || (typeof txn.version !== "number" && typeof txn.version !== "bigint"))
  )
    return "txn lacks appId or version";
  return undefined;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isVersion(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

async function* readLines(
  store: ObjectStore,
  { path, size }: { readonly path: string; readonly size: number },
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const call = signal ? { signal } : {};
  const decoder = new TextDecoder();
  let rest: Uint8Array = new Uint8Array(0);
  for (let start = 0; start < size; start += CHUNK) {
    const bytes = await store.get(path, { range: { start, end: Math.min(size, start + CHUNK) }, ...call });
    const block = rest.length === 0 ? bytes : joined(rest, bytes);
    let from = 0;
    for (let end = block.indexOf(LINE_FEED); end >= 0; end = block.indexOf(LINE_FEED, from)) {
      yield decoder.decode(block.subarray(from, end));
      from = end + 1;
    }
    rest = block.subarray(from);
  }
  if (rest.length > 0) yield decoder.decode(rest);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
