import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createMemoryStream, main } from "assemblyscript/asc";

const root = join(import.meta.dirname, "..");

/** Each kernel: what it is written in, and the module with its code, which is what the packages load. */
const kernels: readonly { readonly source: string; readonly target: string }[] = [
  {
    source: "packages/core/kernels/parquet.ts",
    target: "packages/core/src/parquet/kernel-code.ts",
  },
  {
    source: "packages/sources/kernels/copy.ts",
    target: "packages/sources/src/postgres/decode/copy-kernel.ts",
  },
];

/** Compiles every kernel; gives the text of each target. */
export async function compileKernels(): Promise<
  readonly { readonly target: string; readonly text: string }[]
> {
  const made = [];
  for (const { source, target } of kernels) made.push({ target, text: await compile(source) });
  return made;
}

async function compile(source: string): Promise<string> {
  const files = new Map<string, Uint8Array | string>();
  const problems: string[] = [];
  const { error } = await main(
    [
      source,
      "--outFile",
      "kernel.wasm",
      "-O3",
      "--noAssert",
      "--runtime",
      "stub",
      "--enable",
      "simd,bulk-memory",
    ],
    {
      readFile: (name: string) => readIfThere(join(root, name)),
      writeFile: (name: string, contents: Uint8Array | string) => void files.set(name, contents),
      listFiles: () => [],
      stderr: createMemoryStream((text) => void problems.push(String(text))),
    },
  );
  if (error !== null)
    throw new Error(`${source} cannot be compiled:\n${problems.join("")}`, { cause: error });
  const code = Buffer.from(files.get("kernel.wasm") as Uint8Array).toString("base64");
  const lines = code.match(/.{1,96}/g)!.map((line) => `  "${line}",`);
  return `// Made by \`npm run kernels\` from ${source}, which is the place to change it.

/** WebAssembly as base64. */
export const code: string = [
${lines.join("\n")}
].join("");
`;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (import.meta.main)
  for (const { target, text } of await compileKernels()) {
    writeFileSync(join(root, target), text);
    process.stdout.write(`${relative(process.cwd(), join(root, target))}: ${text.length} characters\n`);
  }
