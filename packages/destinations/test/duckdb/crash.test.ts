import { crashSuite } from "../sql/crash-suite.ts";
import { crashPlace } from "./crash-place.ts";

// Each step is tried by the slow tests.
crashSuite(crashPlace, { every: 41 });
