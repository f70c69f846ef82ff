import { crashSuite } from "./crash-suite.ts";
import { csvLake, jsonLinesLake } from "./real-lakes.ts";

// Every ninth and thirteenth step; the slow tests try each of them.
crashSuite(csvLake, 9);
crashSuite(jsonLinesLake, 13);
