import type { ObjectStore } from "@alluvium/core";
import type { DomainMetadata, Metadata, Protocol, Transaction } from "./actions.ts";
import { parseExact, stringifyExact } from "./codec.ts";
import { logFolder, versionText } from "./paths.ts";
import { parseSchema, type Head } from "./replay.ts";
import type { LogEntry } from "./segment.ts";
import { writerFeatures } from "./protocol.ts";

/** How many files a table has, and their bytes. */
export interface TableSize {
  readonly files: number;
  readonly bytes: number;
}

/** What a checksum file tells of its version. */
export interface Checksum {
  readonly head: Head;
  readonly size: TableSize;
}

interface ChecksumFile {
  readonly txnId?: string;
  readonly tableSizeBytes: number;
  readonly numFiles: number;
  readonly numMetadata: 1;
  readonly numProtocol: 1;
  readonly setTransactions?: readonly Transaction[] | null;
  readonly domainMetadata?: readonly DomainMetadata[] | null;
  readonly metadata: Metadata;
  readonly protocol: Protocol;
}

/**
 * Reads a version checksum (`<version>.crc`): with it, one small object replaces reading the log. `undefined` where it is damaged or
 * leaves something open, because the log itself has the answer.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file
 */
export async function readChecksum(
  store: ObjectStore,
  entry: LogEntry,
  signal?: AbortSignal,
): Promise<Checksum | undefined> {
  try {
    const bytes = await store.get(entry.path, signal ? { signal } : {});
    const file = parseExact(new TextDecoder().decode(bytes)) as Partial<ChecksumFile>;
    const { metadata, protocol, setTransactions, domainMetadata, tableSizeBytes, numFiles } = file;
    if (!metadata || !protocol || !Array.isArray(setTransactions)) return undefined;
    if (!Array.isArray(domainMetadata) && writerFeatures(protocol).includes("domainMetadata"))
      return undefined;
    if (!isCount(tableSizeBytes) || !isCount(numFiles) || !isCount(protocol.minReaderVersion))
      return undefined;
    if (typeof metadata.id !== "string" || !Array.isArray(metadata.partitionColumns)) return undefined;
    const transactions = setTransactions as readonly Transaction[];
    return {
      head: {
        protocol,
        metadata: { ...metadata, configuration: metadata.configuration ?? {} },
        schema: parseSchema(metadata, entry.path),
        transactions: new Map(transactions.map((txn) => [txn.appId, txn])),
        domains: new Map(
          (domainMetadata ?? []).filter(({ removed }) => !removed).map((item) => [item.domain, item]),
        ),
      },
      size: { files: numFiles, bytes: tableSizeBytes },
    };
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Writes the checksum of a version; one that is there already stays. */
export async function writeChecksum(
  store: ObjectStore,
  directory: string,
  version: number,
  { head, size, txnId }: Checksum & { readonly txnId?: string },
): Promise<void> {
  const file: ChecksumFile = {
    ...(txnId !== undefined && { txnId }),
    tableSizeBytes: size.bytes,
    numFiles: size.files,
    numMetadata: 1,
    numProtocol: 1,
    setTransactions: [...head.transactions.values()],
    domainMetadata: [...head.domains.values()],
    metadata: head.metadata,
    protocol: head.protocol,
  };
  const path = `${logFolder(directory)}${versionText(version)}.crc`;
  await store.putIfAbsent(path, new TextEncoder().encode(stringifyExact(file)));
}
