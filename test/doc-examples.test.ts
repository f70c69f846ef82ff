import { execFile } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { blocksOf, exportsOf, moduleOf } from "./doc-blocks.ts";

const root = resolve(import.meta.dirname, "..");

test("every example in doc comments and READMEs compiles", { timeout: 300_000 }, async () => {
  const files = globSync(
    ["README.md", "packages/*/README.md", "packages/*/src/**/README.md", "packages/*/src/**/*.ts"],
    {
      cwd: root,
    },
  ).sort();
  const blocks = files.flatMap((path) => blocksOf(path, readFileSync(join(root, path), "utf8")));
  expect(blocks.length).toBeGreaterThan(30);
  // Inside the checkout, so that packages are found.
  const folder = join(root, "node_modules/.cache", `doc-examples-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    const entries = exportsOf(root);
    const names = blocks.map((block, index) => {
      writeFileSync(join(folder, `${index}.ts`), moduleOf(block, entries, root));
      return `${index}.ts`;
    });
    const compilerOptions = {
      verbatimModuleSyntax: false,
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: false,
    };
    const config = { extends: join(root, "tsconfig.test.json"), compilerOptions, files: names, include: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const output = await compile(join(folder, "tsconfig.json"));
    // `12.ts(3,7): error …` of the generated file, as a place in the source: its first line holds what the example takes for granted.
    // What else is wrong in the checkout is for the type check to say.
    const errors = output
      .split("\n")
      .filter(
        (line) => line.includes("error TS") && !/^(?:packages|test|examples|scripts|bench)\//.test(line),
      )
      .map((line) =>
        line.replace(/^\S*\/(\d+)\.ts\((\d+),\d+\)/, (_, index: string, at: string) => {
          const { path, line: start } = blocks[Number(index)]!;
          return `${path}:${start + Number(at) - 2}`;
        }),
      );
    expect(errors).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

async function compile(config: string): Promise<string> {
  try {
    return (
      await promisify(execFile)(join(root, "node_modules/.bin/tsc"), ["--noEmit", "-p", config], {
        cwd: root,
      })
    ).stdout;
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (!stdout) throw error;
    return stdout;
  }
}
