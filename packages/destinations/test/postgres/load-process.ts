import { suiteContext } from "@alluvium/core/testing";
import { postgres } from "@alluvium/destinations/postgres";
import { runScript } from "./script.ts";

// A process of its own that runs the script once: `load-process.ts URL SCHEMA RUN`.
const [url, schema, run] = [process.argv[2]!, process.argv[3]!, Number(process.argv[4])];
const session = await postgres({ url, schema }).open(suiteContext());
await runScript(session, run);
await session[Symbol.asyncDispose]();
