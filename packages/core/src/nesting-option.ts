import { describeValue } from "./columns/refuse.ts";
import { resourceError, type AlluviumError } from "./errors.ts";
import type { NestingOption } from "./resource-options.ts";

/** What becomes of lists, maps and objects in rows. */
export type NestingMode = "native" | "tables" | "json";

/** How a resource's nested values are stored. */
export interface NestingChoice {
  /** For every value that `paths` does not name, nor what it stands in. */
  readonly default: NestingMode;
  /** Levels of lists, maps and objects below which everything is JSON; `Infinity`: none. */
  readonly depth: number;
  /** By path: names joined by dots; the elements of a list go by the list's own path. */
  readonly paths: { readonly [path: string]: NestingMode };
}

const modes: readonly unknown[] = ["native", "tables", "json"] satisfies NestingMode[];
const wanted = '"native", "tables" or "json"';

/** The choice that an option spells; `undefined` where it is left out. Throws `ALV_CONFIG` for what is none. */
export function nestingOf(resource: string, option: NestingOption | undefined): NestingChoice | undefined {
  if (option === undefined) return undefined;
  if (typeof option === "string")
    return { default: modeOf(resource, "nesting", option), depth: Infinity, paths: {} };
  if (typeof option !== "object" || option === null)
    throw refused(resource, "nesting", option, `${wanted}, or { default, depth, paths }`);
  const other = Object.keys(option).find((name) => !["default", "depth", "paths"].includes(name));
  if (other !== undefined)
    throw resourceError("ALV_CONFIG", resource, `nesting has ${other}; it has default, depth, paths`);
  const { depth = Infinity, paths = {} } = option;
  if (depth !== Infinity && !(Number.isSafeInteger(depth) && depth >= 0))
    throw refused(resource, "nesting.depth", depth, "a number of levels, 0 or more");
  if (typeof paths !== "object" || paths === null)
    throw refused(resource, "nesting.paths", paths, `an object of paths, as in { "items.tags": "json" }`);
  for (const [path, mode] of Object.entries(paths)) {
    if (path.split(".").includes(""))
      throw refused(resource, "a path of nesting", path, `names joined by dots, as in "items.tags"`);
    modeOf(resource, `nesting.paths[${JSON.stringify(path)}]`, mode);
  }
  return {
    default: modeOf(resource, "nesting.default", option.default ?? "native"),
    depth,
    paths: { ...paths } as NestingChoice["paths"],
  };
}

function modeOf(resource: string, place: string, value: unknown): NestingMode {
  if (modes.includes(value)) return value as NestingMode;
  throw refused(resource, place, value, wanted);
}

function refused(resource: string, place: string, value: unknown, what: string): AlluviumError {
  return resourceError("ALV_CONFIG", resource, `${place} is ${describeValue(value)}; it must be ${what}`);
}
