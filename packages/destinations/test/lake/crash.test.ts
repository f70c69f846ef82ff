import { crashSuite } from "./crash-suite.ts";
import { jsonLake } from "./lakes.ts";

// Every third step; the slow tests try each of them.
crashSuite(jsonLake, 3);
