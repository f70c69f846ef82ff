import { spawn } from "node:child_process";

/** One command of the check. A step that prints no closing line counts as one, passed or failed by its exit code. */
interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const npm = (...args: string[]): [string, ...string[]] => ["npm", "--loglevel=error", ...args];

/** The README's command, alone: its tests keep both cores busy, and some of them look at what time does. */
const first: Step = { name: "tests", command: npm("test", "--silent") };

/** Two lanes side by side, of about the same length: Spark, the compilers and servers leave a core free most of the time. A step comes after those whose files it reads. */
const lanes: readonly (readonly Step[])[] = [
  [{ name: "interop", command: npm("run", "--silent", "test:interop") }],
  [
    { name: "types", command: npm("run", "--silent", "check:types") },
    { name: "lint", command: npm("run", "--silent", "check:lint") },
    { name: "unused", command: npm("run", "--silent", "check:unused") },
    { name: "packages", command: npm("run", "--silent", "test:packages") },
    { name: "docs", command: npm("run", "--silent", "docs") },
    { name: "s3", command: npm("run", "--silent", "test:s3") },
  ],
];

interface Outcome {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What failed and why, as the step says it: repeated at the end, where it is found without reading everything. */
  readonly failures: readonly string[];
}

/** `isAlone`: what it prints is seen at once; of steps side by side when it ends. */
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
  return { name, passed, failed: code !== 0 && failed === 0 ? 1 : failed, seconds, failures };
}

async function runLane(lane: readonly Step[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const step of lane) outcomes.push(await run(step, false));
  return outcomes;
}

const outcomes = [await run(first, true), ...(await Promise.all(lanes.map(runLane))).flat()];
const summary = outcomes.flatMap(({ name, passed, failed, seconds, failures }) => [
  `${name.padEnd(10)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed ${seconds.toFixed(0).padStart(5)} s`,
  ...failures.map((line) => `  ${line}`),
]);
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
console.log(`\n${summary.join("\n")}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
