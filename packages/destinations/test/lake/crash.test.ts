import { crashSuite } from "./crash-suite.ts";
import { jsonLake } from "./lakes.ts";

crashSuite(jsonLake);
