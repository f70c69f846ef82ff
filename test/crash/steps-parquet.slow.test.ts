import { folderLake } from "./lakes.ts";
import { stepsSuite, thoroughnessOf } from "./steps.ts";

stepsSuite(folderLake, thoroughnessOf(process.env));
