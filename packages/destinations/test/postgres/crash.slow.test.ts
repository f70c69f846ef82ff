import { crashCases } from "./crash-cases.ts";

crashCases({ quick: false });
