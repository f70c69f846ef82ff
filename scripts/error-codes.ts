import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCodes } from "@alluvium/core/errors";

// The documentation page of error codes is the registry of errors, printed.
const rows = Object.entries(errorCodes).map(
  ([code, { retryable, text }]) =>
    `| \`${code}\` | ${retryable ? "yes" : "no"} | ${text.replaceAll("|", "\\|")} |`,
);
const page = `# Error codes

Every error that Alluvium throws is an \`AlluviumError\` with one of these codes. The message says what happened, where, and what to do.
*Tried again*: whether a run repeats the step by itself before it fails. A cancelled run rejects with \`signal.reason\` instead.

| code | tried again | meaning |
| --- | --- | --- |
${rows.join("\n")}
`;
const folder = join(import.meta.dirname, "../docs/reference");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "errors.md"), page);
