import { crashSuite } from "./crash-suite.ts";
import { deltaLake } from "./real-lakes.ts";

// Each trial takes far longer than with the bare format: every third step.
crashSuite(deltaLake, 3);
