import { crashSuite } from "../../lake/crash-suite.ts";
import { followScript } from "../../lake/follow-script.ts";
import { mergeLake } from "./merging.ts";

// Each trial applies four tables twice, two of them after the other two: every so manieth step, another one for each mode.
crashSuite(mergeLake("vectors"), Number(process.env["CRASH_SAMPLE"] ?? 29), followScript);
