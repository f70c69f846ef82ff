import { deltaLake, folderLake } from "./lakes.ts";
import { stepsSuite } from "./steps.ts";

// Every step is for the slow variant; here each run takes others.
const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
stepsSuite(deltaLake, { stride: 223, seed });
stepsSuite(folderLake, { stride: 223, seed });
