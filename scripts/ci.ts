import { spawn } from "node:child_process";

/** One command of the check. A step that prints no closing line counts as one, passed or failed by its exit code. */
interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const npm = (...args: string[]): [string, ...string[]] => ["npm", "--loglevel=error", ...args];

/** One group after the other. The steps of a group run side by side: none keeps both cores busy, nor writes what the other reads. */
const groups: readonly (readonly Step[])[] = [
  [{ name: "tests", command: npm("test", "--silent") }],
  [{ name: "types", command: npm("run", "--silent", "check:types") }],
  [{ name: "lint", command: npm("run", "--silent", "check:lint") }],
  [{ name: "unused", command: npm("run", "--silent", "check:unused") }],
  [{ name: "packages", command: npm("run", "--silent", "test:packages") }],
  [
    { name: "docs", command: npm("run", "--silent", "docs") },
    { name: "s3", command: npm("run", "--silent", "test:s3") },
  ],
  [{ name: "interop", command: npm("run", "--silent", "test:interop") }],
];

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What failed and why, as the step says it: repeated at the end, where it is found without reading everything. */
  readonly failures: readonly string[];
}

/** `isAlone`: what it prints is seen at once; of steps side by side when each ends. */
async function run({ name, command: [file, ...args] }: Step, isAlone: boolean): Promise<Outcome> {
  const held: (string | Buffer)[] = [];
  const print = (text: string | Buffer): void => {
    if (isAlone) process.stdout.write(text);
    else held.push(text);
  };
  print(`\n=== ${name}: ${file} ${args.join(" ")}\n`);
  const started = performance.now();
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let tail = "";
  child.stdout.on("data", (chunk: Buffer) => {
    print(chunk);
    tail = (tail + chunk.toString()).slice(-20_000);
  });
  const code = await new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (status) => resolve(status ?? 1));
  });
  for (const text of held) process.stdout.write(text);
  const seconds = (performance.now() - started) / 1000;
  const counts = [...tail.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  const passed = counts ? Number(counts[1]) : code === 0 ? 1 : 0;
  const failed = counts ? Number(counts[2]) : code === 0 ? 0 : 1;
  // A command that fails after all its tests passed has failed all the same.
  const failures = [...tail.matchAll(/^failed: .*$/gm)].map(([line]) => line);
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, seconds, failures };
}

let passed = 0;
let failed = 0;
const summary: string[] = [];
for (const group of groups) {
  const outcomes = await Promise.all(group.map((step) => run(step, group.length === 1)));
  for (const [i, outcome] of outcomes.entries()) {
    passed += outcome.passed;
    failed += outcome.failed;
    summary.push(
      `${group[i]!.name.padEnd(10)} ${String(outcome.passed).padStart(5)} passed ${String(outcome.failed).padStart(4)} failed ${outcome.seconds.toFixed(0).padStart(5)} s`,
      ...outcome.failures.map((line) => `  ${line}`),
    );
  }
}
console.log(`\n${summary.join("\n")}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
