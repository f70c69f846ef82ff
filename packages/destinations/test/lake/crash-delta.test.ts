import { crashSuite } from "./crash-suite.ts";
import { deltaLake } from "./real-lakes.ts";

// Each trial takes far longer than with the bare format: every seventh step. The slow tests try each of them.
crashSuite(deltaLake, 7);
