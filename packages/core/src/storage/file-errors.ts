import { AlluviumError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";

/** The code of a system error (`ENOENT` …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What the system says when a file system has no hard links, or none here. `link(2)` of Linux, macOS and Windows (libuv). */
const noLinks: ReadonlySet<string> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
  "EXDEV",
  "EINVAL",
  "UNKNOWN",
]);

/** Whether a failed `link` means that this file system cannot link. */
export function cannotLink(error: unknown): boolean {
  return noLinks.has(systemCode(error) ?? "");
}

/** The error for a store on a file system without hard links. */
export function unsafeStore(url: string, cause: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_UNSAFE",
    `${url} stands on a file system without hard links (${systemCode(cause) ?? "link failed"}), so two writers could overwrite each ` +
      "other's commit. Use a local disk or NFS, or an object store with conditional puts",
    { cause },
  );
}

/**
 * The error for a sync that failed. After it the system may have dropped the bytes and call the next sync a success, so it is not
 * tried again: only writing anew helps.
 */
export function syncFailed(file: string, cause: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_FAILED",
    `cannot sync ${file} (${systemCode(cause) ?? "failed"}): what was written may be lost, and the disk may be damaged`,
    { cause, retryable: false },
  );
}

interface Meaning {
  readonly code: ErrorCode;
  readonly text: string;
  readonly retryable?: boolean;
}

const denied: Meaning = {
  code: "ALV_AUTH",
  text: "permission denied. Check owner and mode of the folder, and which user runs this",
};
const full: Meaning = {
  code: "ALV_STORE_FULL",
  text: "no space left. Nothing committed is harmed; make room, then run again",
};
const open: Meaning = {
  code: "ALV_STORE_FAILED",
  text: "too many open files. Raise the limit (`ulimit -n`), or load fewer tables and partitions at once",
};
const absent: Meaning = { code: "ALV_NOT_FOUND", text: "there is no such file" };

const meanings: Readonly<Record<string, Meaning>> = {
  ENOENT: absent,
  ENOSPC: full,
  EDQUOT: {
    ...full,
    text: "the disk quota is used up. Nothing committed is harmed; make room, then run again",
  },
  EFBIG: { code: "ALV_STORE_FULL", text: "the file would be larger than this file system or user may have" },
  EACCES: denied,
  EPERM: denied,
  EROFS: { code: "ALV_AUTH", text: "the file system is mounted read-only" },
  EMFILE: open,
  ENFILE: open,
  ENAMETOOLONG: { code: "ALV_CONFIG", text: "the name is longer than this file system allows" },
  EISDIR: { code: "ALV_STORE_FAILED", text: "a folder stands where a file is meant", retryable: false },
  ENOTDIR: { code: "ALV_STORE_FAILED", text: "a file stands where a folder is needed", retryable: false },
  EEXIST: { code: "ALV_STORE_FAILED", text: "it exists already", retryable: false },
};

/** Tells a failed call on `path` as an {@link AlluviumError}: what was being done, where, what went wrong, what to do. */
export function fileError(error: unknown, doing: string, path: string, url: string): AlluviumError {
  if (AlluviumError.is(error)) return error;
  const system = systemCode(error);
  const meaning: Meaning = meanings[system ?? ""] ?? {
    code: "ALV_STORE_FAILED",
    text: error instanceof Error ? error.message : String(error),
  };
  const { code, text, retryable } = meaning;
  const where = path === "" ? url : `${path} in ${url}`;
  const named = system === undefined ? "" : ` (${system})`;
  return new AlluviumError(code, `cannot ${doing} ${where}: ${text}${named}`, {
    cause: error,
    ...(retryable === undefined ? {} : { retryable }),
  });
}
