import { crashSuite } from "./crash-suite.ts";
import { csvLake, folderLake, onBucket } from "./real-lakes.ts";

// Every eleventh and nineteenth step; the slow tests try each of them.
crashSuite(onBucket(folderLake), 11);
crashSuite(onBucket(csvLake), 19);
