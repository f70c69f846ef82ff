import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { matchesGlob, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import projects from "../vitest.workspace.ts";

interface Patterns {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

const root = resolve(import.meta.dirname, "..");
const patterns = projects.map((project): Patterns => {
  const { name, include, exclude, typecheck } = (project as unknown as { test: Record<string, unknown> })
    .test as {
    name: string;
    include?: string[];
    exclude?: string[];
    typecheck?: { include?: string[] };
  };
  return { name, include: [...(include ?? []), ...(typecheck?.include ?? [])], exclude: exclude ?? [] };
});

function owners(file: string): string[] {
  return patterns
    .filter(
      ({ include, exclude }) =>
        include.some((glob) => matchesGlob(file, glob)) && !exclude.some((glob) => matchesGlob(file, glob)),
    )
    .map(({ name }) => name);
}

const files = globSync("**/*.{test,test-d}.ts", { cwd: root, exclude: ["**/node_modules", "**/dist"] });

describe("test projects", () => {
  test.for(files)("%s belongs to exactly one", (file) => {
    expect(owners(file)).toHaveLength(1);
  });

  test("a suffix decides the project", () => {
    expect(owners("packages/core/test/run/loop.test.ts")).toEqual(["unit"]);
    expect(owners("test/crash.pg.test.ts")).toEqual(["pg"]);
    expect(owners("packages/core/test/run/loop.test-d.ts")).toEqual(["types"]);
    expect(owners("packages/core/src/loop.test.ts")).toEqual([]);
  });

  test("the type checker covers tests, scripts, bench and examples", () => {
    const listed = execFileSync(
      resolve(root, "node_modules/.bin/tsc"),
      ["-p", "tsconfig.test.json", "--listFilesOnly"],
      { cwd: root, encoding: "utf8" },
    );
    const expected = globSync("{packages/*/test,test,scripts,bench,examples}/**/*.ts", { cwd: root }).filter(
      (file) => !/node_modules|\/dist\/|\.d\.ts$/.test(file),
    );
    expect(expected.filter((file) => !listed.includes(resolve(root, file)))).toEqual([]);
  });
});
