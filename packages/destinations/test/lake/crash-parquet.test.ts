import { crashSuite } from "./crash-suite.ts";
import { folderLake } from "./real-lakes.ts";

crashSuite(folderLake, 3);
