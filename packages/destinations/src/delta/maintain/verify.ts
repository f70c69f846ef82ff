import { hash } from "node:crypto";
import { AlluviumError } from "@alluvium/core";
import { openParquet } from "@alluvium/core/parquet";
import { objectSource } from "../../lake/files/object-source.ts";
import type { AddFile } from "../log/actions.ts";
import { readChecksum } from "../log/checksum.ts";
import { stringifyExact } from "../log/codec.ts";
import { listCommits } from "../log/commit.ts";
import { decodePath, fileKey, LOG_FOLDER, versionText } from "../log/paths.ts";
import { checkReadable } from "../log/protocol.ts";
import { readFiles, readHead, type Head } from "../log/replay.ts";
import { listSegment, type LogEntry, type Segment } from "../log/segment.ts";
import { resolveFile } from "../read/data-file.ts";
import { readDeletedRows } from "../read/deletion-vector.ts";
import { recordCount } from "../read/pruning.ts";
import { createPathSet } from "./path-set.ts";
import { looseFiles } from "./referenced.ts";
import { careContext, type CareContext, type CareTarget } from "./target.ts";
import { verifyRows } from "./verify-rows.ts";
import type { Finding, FindingKind, VerifyOptions, VerifyResult } from "./verify-options.ts";

const AT_ONCE = 8;

/** Notes a finding. */
export type Note = (kind: FindingKind, path: string, message: string) => void;

/** Looks whether a table is as its log says. Throws for what is no damage: no table, a store that fails, an unknown feature. */
export async function verifyTable(target: CareTarget, options: VerifyOptions): Promise<VerifyResult> {
  const context = careContext(target, options);
  const { deep = false, limit = 1000 } = options;
  const findings: Finding[] = [];
  let more = 0;
  let sound = true;
  const note: Note = (kind, path, message) => {
    sound &&= kind === "orphan";
    if (findings.length < limit) findings.push({ kind, path, message });
    else more += 1;
  };
  const result = { version: undefined as number | undefined, files: 0, rows: 0 };
  const done = (): VerifyResult => ({ ...result, sound, findings, more });

  const { store, directory, signal, url } = context;
  let segment: Segment;
  let head: Head;
  try {
    const found = await listSegment(store, directory, { signal });
    if (found === undefined)
      throw new AlluviumError(
        "ALV_TABLE_NOT_FOUND",
        `there is no Delta table at ${url}: it has no _delta_log`,
      );
    segment = found;
    // From the log itself: the checksum is compared with it.
    head = await readHead(store, directory, segment, signal);
  } catch (error) {
    noteDamage(note, "log", LOG_FOLDER, error);
    return done();
  }
  result.version = segment.version;
  checkReadable(head.protocol, head.metadata, `the table at ${url}`);
  const state = { ...head, version: segment.version, segment, size: undefined };
  try {
    const size = await verifyFiles(context, state, deep, note, result);
    await verifyChecksum(context, segment, head, size, note);
  } catch (error) {
    noteDamage(note, "log", LOG_FOLDER, error);
    return done();
  }
  await verifyCheckpoint(context, segment, note);
  for await (const { path, info } of looseFiles(context, state, { since: 0, readCommits: false }))
    note("orphan", path, `no version and no load needs it; last written ${info.modified.toISOString()}`);
  return done();
}

/** Notes an error that says that something is damaged; others are thrown. */
function noteDamage(note: Note, kind: FindingKind, path: string, error: unknown): void {
  const damage = ["ALV_FILE_INVALID", "ALV_NOT_FOUND", "ALV_UNSUPPORTED"];
  if (!AlluviumError.is(error) || !damage.includes(error.code)) throw error;
  note(kind, path, error.message);
}

type State = Parameters<typeof verifyRows>[1];

/** Goes through the files of the newest version and counts them. */
async function verifyFiles(
  context: CareContext,
  state: State,
  deep: boolean,
  note: Note,
  counts: { files: number; rows: number },
): Promise<{ readonly files: number; readonly bytes: number }> {
  const { store, directory, signal } = context;
  const paths = createPathSet(context.budget / 8);
  let bytes = 0;
  let group: AddFile[] = [];
  const flush = async (): Promise<void> => {
    await Promise.all(
      group.map(async (add) => {
        counts.rows += await verifyFile(context, state, add, deep, note);
      }),
    );
    group = [];
  };
  for await (const { add } of readFiles(store, directory, state.segment, signal)) {
    if (add === undefined) continue;
    signal.throwIfAborted();
    counts.files += 1;
    bytes += add.size;
    const path = decodePath(add.path);
    if (paths.has(path))
      note("log", path, "the newest version names it twice, with different deletion vectors");
    // Beyond what fits the memory it is not looked for any more.
    paths.add(path);
    group.push(add);
    if (group.length >= (deep ? 1 : AT_ONCE)) await flush();
  }
  await flush();
  return { files: counts.files, bytes };
}

/** Looks at one file. Returns how many rows were read. */
async function verifyFile(
  context: CareContext,
  state: State,
  add: AddFile,
  deep: boolean,
  note: Note,
): Promise<number> {
  const { store, directory, signal } = context;
  const path = decodePath(add.path);
  try {
    const file = await resolveFile(store, directory, path);
    const info = await file.store.head(file.path, { signal });
    if (info === undefined) {
      note("missing", path, "the newest version needs it, and it is gone");
      return 0;
    }
    if (info.size !== add.size) note("size", path, `it has ${info.size} bytes, the log says ${add.size}`);
    let rows = recordCount(add);
    if (deep || (add.deletionVector && rows === undefined)) {
      const source = objectSource(file.store, file.path, info.size, signal);
      const parquet = await openParquet(source, { name: path, signal });
      if (rows !== undefined && rows !== parquet.metadata.rows)
        note("statistics", path, `it has ${parquet.metadata.rows} rows, its statistics say ${rows}`);
      rows = parquet.metadata.rows;
    }
    if (add.deletionVector)
      try {
        await readDeletedRows(store, directory, add, rows!, signal);
      } catch (error) {
        noteDamage(note, "vector", path, error);
        return 0;
      }
    return deep ? await verifyRows(context, state, add, note) : 0;
  } catch (error) {
    noteDamage(note, "file", path, error);
    return 0;
  }
}

/** Compares the checksum of the newest version with what the log says. */
async function verifyChecksum(
  { store, signal }: CareContext,
  { checksum }: Segment,
  head: Head,
  size: { readonly files: number; readonly bytes: number },
  note: Note,
): Promise<void> {
  if (checksum === undefined) return;
  const path = `${LOG_FOLDER}/${checksum.path.slice(checksum.path.lastIndexOf("/") + 1)}`;
  const said = await readChecksum(store, checksum, signal);
  if (said === undefined) {
    // Other writers leave things out, which is no damage; what cannot be read is.
    const text = new TextDecoder().decode(await store.get(checksum.path, { signal }));
    if (!isJson(text)) note("checksum", path, "it is not JSON");
    return;
  }
  if (said.size.files !== size.files)
    note("checksum", path, `it says ${said.size.files} files, the log ${size.files}`);
  if (said.size.bytes !== size.bytes)
    note("checksum", path, `it says ${said.size.bytes} bytes, the log ${size.bytes}`);
  compareHeads(head, said.head, "it", (what) => note("checksum", path, what));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function compareHeads(log: Head, other: Head, who: string, tell: (what: string) => void): void {
  if (canonical(log.protocol) !== canonical(other.protocol)) tell(`${who} has another protocol than the log`);
  if (canonical(log.metadata) !== canonical(other.metadata)) tell(`${who} has other metadata than the log`);
  for (const { appId, version } of log.transactions.values()) {
    const said = other.transactions.get(appId)?.version;
    if (said === undefined || BigInt(said) !== BigInt(version))
      tell(`${who} has version ${said ?? "none"} of transaction ${appId}, the log ${version}`);
  }
}

/** JSON with sorted members and without those that say nothing. */
function canonical(value: unknown): string {
  return stringifyExact(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sorted(member)]),
  );
}

/** Compares the newest checkpoint with what the commits before it say, as far as they are still there. */
async function verifyCheckpoint(context: CareContext, segment: Segment, note: Note): Promise<void> {
  const { store, directory, signal } = context;
  const { checkpoint } = segment;
  if (checkpoint === undefined) return;
  const path = `${LOG_FOLDER}/${versionText(checkpoint.version)}.checkpoint`;
  const at: Segment = {
    ...segment,
    version: checkpoint.version,
    commits: [],
    compactions: [],
    checksum: undefined,
  };
  try {
    const before = await segmentWithout(context, checkpoint.version);
    if (before === undefined) return;
    const [said, replayed] = [
      await readHead(store, directory, at, signal),
      await readHead(store, directory, before, signal),
    ];
    compareHeads(replayed, said, "it", (what) => note("checkpoint", path, what));
    const [files, wanted] = [await sumOfFiles(context, at), await sumOfFiles(context, before)];
    if (files.count !== wanted.count)
      note("checkpoint", path, `it has ${files.count} files, the commits before it leave ${wanted.count}`);
    else if (files.sum !== wanted.sum)
      note(
        "checkpoint",
        path,
        "its files, their sizes, rows, partitions or deletion vectors differ from what the commits before it say",
      );
  } catch (error) {
    noteDamage(note, "checkpoint", path, error);
  }
}

/** What describes a version without its own checkpoint: an older one, or none, and the commits since; `undefined`: they are gone. */
async function segmentWithout(
  { store, directory, signal }: CareContext,
  version: number,
): Promise<Segment | undefined> {
  let older: Segment | undefined;
  if (version > 0)
    try {
      older = await listSegment(store, directory, { version: version - 1, signal });
    } catch (error) {
      if (AlluviumError.is(error) && (error.code === "ALV_NOT_FOUND" || error.code === "ALV_FILE_INVALID"))
        return undefined;
      throw error;
    }
  let commit: LogEntry | undefined;
  for await (const entry of listCommits(store, directory, version - 1, signal)) {
    if (entry.version === version) commit = entry;
    break;
  }
  if (commit === undefined) return undefined;
  return {
    version,
    checkpoint: older?.checkpoint,
    commits: [...(older?.commits ?? []), commit],
    compactions: [],
    checksum: undefined,
  };
}

/** A sum over files that does not depend on their order, so that none of them is held. */
async function sumOfFiles(
  { store, directory, signal }: CareContext,
  segment: Segment,
): Promise<{ readonly count: number; readonly sum: bigint }> {
  let count = 0;
  let sum = 0n;
  for await (const { add } of readFiles(store, directory, segment, signal)) {
    if (add === undefined) continue;
    count += 1;
    const { partitionValues, size, deletionVector } = add;
    const text = canonical([
      fileKey(add),
      partitionValues,
      size,
      deletionVector?.cardinality ?? 0,
      recordCount(add) ?? null,
    ]);
    sum = BigInt.asUintN(128, sum + BigInt(`0x${hash("sha256", text, "hex").slice(0, 32)}`));
  }
  return { count, sum };
}
