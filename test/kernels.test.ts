import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compileKernels } from "../scripts/kernels.ts";

test("what the packages load is what the kernels' sources say", async () => {
  for (const { target, text } of await compileKernels())
    expect(readFileSync(join(import.meta.dirname, "..", target), "utf8"), `npm run kernels: ${target}`).toBe(
      text,
    );
});
