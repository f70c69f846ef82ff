import { crashSuite } from "../sql/crash-suite.ts";
import { crashPlace } from "./crash-place.ts";

crashSuite(crashPlace);
