import { AlluviumError } from "../errors.ts";

/** Temporary files of the file store: hidden from listings, refused as object names. */
const temporary = /^\.alv-[0-9a-f]{32}\.tmp$/;

/** Whether `name` (one path segment) is a temporary file of the file store. */
export function isTemporaryName(name: string): boolean {
  return temporary.test(name);
}

/**
 * Refuses what is not the path of an object: absolute, empty, with empty, `.` or `..` segments, or with NUL. So no path leads out of
 * a store's root. (Symbolic links inside the root are the owner's business.)
 *
 * @throws `ALV_CONFIG` naming the path.
 */
export function checkPath(path: string): void {
  const segments = path.split("/");
  for (const segment of segments) checkSegment(segment, path);
}

/** As {@link checkPath}, for the prefix of a listing: it may be empty, and its last segment may be a part of one. */
export function checkPrefix(prefix: string): void {
  const segments = prefix.split("/");
  for (const segment of segments.slice(0, -1)) checkSegment(segment, prefix);
  if (prefix.includes("\0")) throw refused(prefix, "it holds a NUL character");
}

function checkSegment(segment: string, path: string): void {
  if (segment === "") throw refused(path, "paths are relative, with no empty segment");
  if (segment === "." || segment === "..") throw refused(path, `the segment ${segment} is not allowed`);
  if (segment.includes("\0")) throw refused(path, "it holds a NUL character");
  if (isTemporaryName(segment)) throw refused(path, "names like .alv-….tmp are kept for temporary files");
}

function refused(path: string, why: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `${JSON.stringify(path)} is not a path inside a store: ${why}`);
}

/**
 * Orders two strings by their UTF-8 bytes. JavaScript compares UTF-16 code units, which puts surrogates (U+10000 and above) before
 * U+E000–U+FFFF; S3 and other object stores list by bytes.
 */
export function compareBytewise(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Moves surrogates above the rest of the basic plane: the order of UTF-8. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
