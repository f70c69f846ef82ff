import { crashSuite } from "./crash-suite.ts";
import { csvLake, folderLake, onBucket } from "./real-lakes.ts";

// Every seventeenth and thirty-first step; the slow tests try each of them.
crashSuite(onBucket(folderLake), 17);
crashSuite(onBucket(csvLake), 31);
