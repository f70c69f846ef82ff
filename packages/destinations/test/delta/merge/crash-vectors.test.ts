import { crashSuite } from "../../lake/crash-suite.ts";
import { mergeScript } from "../../lake/merge-script.ts";
import { mergeLake } from "./merging.ts";

// Each trial merges four tables twice: every so manieth step, another one for each mode.
crashSuite(mergeLake("vectors"), Number(process.env["CRASH_SAMPLE"] ?? 23), mergeScript);
