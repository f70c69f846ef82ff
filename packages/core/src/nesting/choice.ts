import type { NestingChoice, NestingMode } from "../nesting-option.ts";

/** What becomes of nested values, by path. */
export interface NestingPlan {
  /** What becomes of the value at a path of names. `level`: how many lists, maps and objects it stands in, itself included. */
  at(path: readonly string[], level: number): NestingMode;
  /** Whether something else than {@link at} says of a path may hold for what is inside of it. */
  differsInside(path: readonly string[]): boolean;
}

/** Every value as it is. */
export const nativeChoice: NestingChoice = { default: "native", depth: Infinity, paths: {} };

/** The plan that a choice spells: the longest path that names a value or what it stands in decides. */
export function planNesting({ default: mode, depth, paths }: NestingChoice): NestingPlan {
  const named = new Map(Object.entries(paths));
  const above = new Set(
    [...named.keys()].flatMap((path) => {
      const names = path.split(".");
      return names.slice(1).map((_, i) => names.slice(0, i + 1).join("."));
    }),
  );
  return {
    at(path, level) {
      if (level > depth) return "json";
      for (let length = path.length; length > 0; length--) {
        const chosen = named.get(path.slice(0, length).join("."));
        if (chosen !== undefined) return chosen;
      }
      return mode;
    },
    differsInside: (path) => depth !== Infinity || above.has(path.join(".")),
  };
}

/** Whether a choice leaves every value as it is. */
export function isNative({ default: mode, depth, paths }: NestingChoice): boolean {
  return mode === "native" && depth === Infinity && Object.values(paths).every((one) => one === "native");
}

/** Whether values may become child tables. */
export function hasTables({ default: mode, paths }: NestingChoice): boolean {
  return mode === "tables" || Object.values(paths).includes("tables");
}
