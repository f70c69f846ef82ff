import { crashCases } from "./crash-cases.ts";

crashCases(1);
