import { deltaLake } from "./lakes.ts";
import { stepsSuite, thoroughnessOf } from "./steps.ts";

stepsSuite(deltaLake, thoroughnessOf(process.env));
