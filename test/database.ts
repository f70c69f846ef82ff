import { randomBytes } from "node:crypto";
import pg from "pg";

/** A database of its own on a test server, dropped at the end. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/** Creates an empty database on the server of `url`. */
export async function ownDatabase(url: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const admin = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await admin(`create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    [Symbol.asyncDispose]: () => admin(`drop database ${name} with (force)`),
  };
}
