/** What pipelines with checks need besides: loaded by those alone, in one piece. */
export { checkAfter } from "./check-after.ts";
export { checkRows, planChecksTable } from "./checks-table.ts";
export { planChildQuality, planQuality } from "./plan-quality.ts";
export { testedParts, testParts } from "./test-parts.ts";
