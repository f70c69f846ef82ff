import { crashSuite, lateCopySuite } from "./crash-suite.ts";
import { csvLake, folderLake, onBucket } from "./real-lakes.ts";

// Every seventeenth and thirty-first step; the slow tests try each of them.
crashSuite(onBucket(folderLake), 17);
crashSuite(onBucket(csvLake), 31);
for (const lake of [folderLake, csvLake]) lateCopySuite(onBucket(lake));
