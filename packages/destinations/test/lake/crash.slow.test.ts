import { mergeLake } from "../delta/merge/merging.ts";
import { crashSuite } from "./crash-suite.ts";
import { followScript } from "./follow-script.ts";
import { mergeScript } from "./merge-script.ts";
import { csvLake, deltaLake, folderLake, jsonLinesLake, onBucket } from "./real-lakes.ts";

for (const lake of [deltaLake, folderLake, csvLake, jsonLinesLake]) crashSuite(lake);
for (const lake of [folderLake, csvLake]) crashSuite(onBucket(lake));
for (const mode of ["vectors", "rewrite"] as const) {
  crashSuite(mergeLake(mode), 3, mergeScript);
  crashSuite(mergeLake(mode), 3, followScript);
}
