import { deltaLake, folderLake } from "./lakes.ts";
import { stepsSuite } from "./steps.ts";

const stride = Number(process.env["ALLUVIUM_STRIDE"] ?? 1);
const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
stepsSuite(deltaLake, { stride, seed });
stepsSuite(folderLake, { stride, seed });
