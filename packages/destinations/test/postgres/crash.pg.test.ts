import { crashCases } from "./crash-cases.ts";

crashCases({ quick: true });
