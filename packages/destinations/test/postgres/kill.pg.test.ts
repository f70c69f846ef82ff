import { fork } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { suiteContext } from "@alluvium/core/testing";
import { postgres } from "@alluvium/destinations/postgres";
import { useDatabase } from "./database.ts";
import { startProxy, type Loss } from "./proxy.ts";
import { expectComplete, expectRecovered, runScript } from "./script.ts";

const db = useDatabase("kill");
let places = 0;

test.for<readonly [Loss, string, number]>([
  ["request", "commit", 1],
  ["answer", "commit", 1],
  ["hang", "commit", 1],
  ["answer", "PGCOPY", 1],
  ["answer", "merge into", 1],
  ["hang", "delete from", 2],
])("kill -9 at a statement (%s of %s, run %d)", { timeout: 120_000 }, async ([how, statement, run]) => {
  const schema = `kill_${(places += 1)}`;
  const read = async (table: string): Promise<Record<string, unknown>[]> => {
    const [there] = await db.run(`select to_regclass('${schema}."${table}"') is not null as there`);
    return there!["there"] === true ? db.run(`select * from ${schema}."${table}"`) : [];
  };
  const destination = postgres({ url: db.url, schema });
  for (let before = 1; before < run; before++) {
    await using session = await destination.open(suiteContext());
    await runScript(session, before);
  }
  await using proxy = await startProxy(db.url);
  proxy.lose(statement, how);
  const child = fork(join(import.meta.dirname, "load-process.ts"), [proxy.url, schema, String(run)], {
    execArgv: ["--conditions=@alluvium/source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  proxy.onLoss = () => void child.kill("SIGKILL");
  const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
    child.once("close", (...ended) => done(ended)),
  );
  expect([code, signal]).toEqual([null, "SIGKILL"]);
  {
    await using session = await destination.open(suiteContext());
    await expectRecovered(session, read, `after kill -9 at ${statement}`);
    await runScript(session, 9);
    await expectComplete(session, read, `after kill -9 at ${statement}, completed`);
  }
  expect(await db.run(`select relname from pg_class where relname like '\\_alv\\_stage%'`)).toEqual([]);
});
