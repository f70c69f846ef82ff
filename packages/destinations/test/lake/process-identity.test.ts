import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isGone, ownProcess } from "../../src/lake/process-identity.ts";

test("a process that lives is not gone, one that ended is", async () => {
  expect(isGone(ownProcess())).toBe(false);
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
  await once(child, "spawn");
  const other = { ...ownProcess(), process: child.pid!, began: "" };
  expect(isGone(other)).toBe(false);
  child.kill("SIGKILL");
  await once(child, "close");
  expect(isGone(other)).toBe(true);
});

test("of another machine, and of what says too little, nothing is known", () => {
  expect(isGone({ ...ownProcess(), host: "elsewhere//", process: 2 ** 22 + 5 })).toBe(false);
  expect(isGone({})).toBe(false);
  expect(isGone({ host: ownProcess().host })).toBe(false);
});

test.runIf(process.platform === "linux")("a number that another program has got since is gone", () => {
  expect(isGone({ ...ownProcess(), began: "1" })).toBe(true);
});
