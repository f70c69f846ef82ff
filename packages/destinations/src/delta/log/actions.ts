/**
 * The actions of a Delta log, as far as Alluvium reads them. Fields that are not listed are ignored, as the protocol asks.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions
 */
export interface Action {
  readonly protocol?: Protocol;
  readonly metaData?: Metadata;
  readonly add?: AddFile;
  readonly remove?: RemoveFile;
  readonly txn?: Transaction;
  readonly commitInfo?: CommitInfo;
  readonly domainMetadata?: DomainMetadata;
  readonly sidecar?: Sidecar;
  readonly cdc?: ChangeFile;
}

/** What a client must be able to do to read and write the table. */
export interface Protocol {
  /** Version of the protocol that readers must know. */
  readonly minReaderVersion: number;
  /** Version of the protocol that writers must know. */
  readonly minWriterVersion: number;
  /** Features that readers must know, from reader version 3 on. */
  readonly readerFeatures?: readonly string[] | null;
  /** Features that writers must know, from writer version 7 on. */
  readonly writerFeatures?: readonly string[] | null;
}

/** What the table is. */
export interface Metadata {
  readonly id: string;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly format: { readonly provider: string; readonly options?: Readonly<Record<string, string>> | null };
  /** A `DeltaStruct` as JSON text. */
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly createdTime?: number | null;
  readonly configuration: Readonly<Record<string, string>>;
}

/** An integer as a log holds it: beyond 2^53 a bigint, so that it is written back to the letter. */
export type LogInteger = number | bigint;

/** A file that belongs to the table. */
export interface AddFile {
  /** URI-encoded, relative to the table or absolute. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  /** Statistics as JSON text. */
  readonly stats?: string | null;
  readonly tags?: Readonly<Record<string, string | null>> | null;
  readonly deletionVector?: DeletionVectorDescriptor | null;
  readonly baseRowId?: LogInteger | null;
  readonly defaultRowCommitVersion?: LogInteger | null;
  readonly clusteringProvider?: string | null;
}

/** A file that no longer belongs to the table. */
export interface RemoveFile {
  readonly path: string;
  readonly deletionTimestamp?: number | null;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean | null;
  readonly partitionValues?: Readonly<Record<string, string | null>> | null;
  readonly size?: number | null;
  readonly deletionVector?: DeletionVectorDescriptor | null;
  readonly baseRowId?: LogInteger | null;
  readonly defaultRowCommitVersion?: LogInteger | null;
}

/** A file with the rows that a commit changed, and how. */
export interface ChangeFile {
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly dataChange: boolean;
}

/** Which rows of a file are deleted. */
export interface DeletionVectorDescriptor {
  /** `u`: a file named by a UUID, `p`: by an absolute path, `i`: the vector stands here. */
  readonly storageType: string;
  readonly pathOrInlineDv: string;
  readonly offset?: number | null;
  readonly sizeInBytes: number;
  readonly cardinality: number;
}

/** How far an application has come. */
export interface Transaction {
  readonly appId: string;
  readonly version: LogInteger;
  readonly lastUpdated?: LogInteger | null;
}

/** A named piece of configuration. */
export interface DomainMetadata {
  readonly domain: string;
  readonly configuration: string;
  readonly removed: boolean;
}

/** Where a commit comes from. Free in form; these are the fields that others read or that Alluvium writes. */
export interface CommitInfo {
  readonly timestamp?: number;
  readonly inCommitTimestamp?: number;
  readonly operation?: string;
  readonly operationParameters?: Readonly<Record<string, unknown>>;
  readonly operationMetrics?: Readonly<Record<string, string>>;
  readonly readVersion?: number;
  readonly isolationLevel?: string;
  readonly isBlindAppend?: boolean;
  readonly engineInfo?: string;
  readonly txnId?: string;
  readonly userMetadata?: string;
  /** The load that made the commit. */
  readonly alluviumLoadId?: string;
}

/** A part of a checkpoint that stands in a file of its own. */
export interface Sidecar {
  readonly path: string;
  readonly sizeInBytes: number;
  readonly modificationTime: number;
}
