import { crashSuite } from "./crash-suite.ts";
import { folderLake } from "./real-lakes.ts";

// Every ninth step; the slow tests try each of them.
crashSuite(folderLake, 9);
