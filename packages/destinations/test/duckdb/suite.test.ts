import { test } from "vitest";
import { destinationSuite } from "@alluvium/core/testing";
import { capabilities } from "../../src/duckdb/database.ts";
import { suiteDatabase } from "./database.ts";

destinationSuite({ test, capabilities, open: suiteDatabase });
