import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Other implementations of Delta and Parquet, installed once into a cache folder of the user. */
export interface Readers {
  /** Python with deltalake, pyarrow, duckdb and pyspark. */
  readonly python: string;
  /** Class path for Spark with Delta. */
  readonly jars: string;
}

const packages = ["deltalake==1.6.6", "pyarrow==26.0.1", "duckdb==1.5.5", "duckdb-extension-delta==1.5.5"];
const spark = ["pyspark==4.1.4", "importlib_metadata<8.7.2", "pandas==2.3.3"];
const deltaSpark = ["delta-spark==4.4.0"];

async function step(file: string, args: readonly string[], cwd?: string): Promise<void> {
  try {
    await run(file, args, { ...(cwd ? { cwd } : {}), maxBuffer: 1 << 26 });
  } catch (cause) {
    const { stderr = "", stdout = "" } = cause as { stderr?: string; stdout?: string };
    throw new Error(
      `${file} ${args.slice(0, 3).join(" ")} … failed\n${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`,
      { cause },
    );
  }
}

/** Installs what is missing and says where it is. The folder's name holds the versions, so another set does not disturb this one. */
export async function installReaders(): Promise<Readers> {
  const pom = join(import.meta.dirname, "pom.xml");
  const hash = createHash("sha256")
    .update(JSON.stringify([packages, spark, deltaSpark, readFileSync(pom, "utf8")]))
    .digest("hex")
    .slice(0, 12);
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "alluvium", `readers-${hash}`);
  const python = join(folder, "venv", "bin", "python");
  const jars = join(folder, "jars");
  if (!existsSync(join(folder, "ready"))) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(pom, join(folder, "pom.xml"));
    const installPython = async (): Promise<void> => {
      await step("python3", ["-m", "venv", join(folder, "venv")]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
      await step(python, [...pip, ...packages, ...spark]);
      await step(python, [...pip, "--no-deps", ...deltaSpark]);
    };
    const installJars = (): Promise<void> =>
      step(
        "mvn",
        ["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=all"],
        folder,
      );
    await Promise.all([installPython(), installJars()]);
    // What pyspark brings itself, in whatever version, must not be on the class path twice.
    const artifact = (file: string): string => basename(file).replace(/-\d[\w.-]*\.jar$/, "");
    const bundled = new Set(
      globSync("venv/lib/python*/site-packages/pyspark/jars/*.jar", { cwd: folder }).map(artifact),
    );
    mkdirSync(jars);
    for (const jar of globSync("all/*.jar", { cwd: folder }))
      if (!bundled.has(artifact(jar))) renameSync(join(folder, jar), join(jars, basename(jar)));
    rmSync(join(folder, "all"), { recursive: true });
    writeFileSync(join(folder, "ready"), "");
  }
  return { python, jars: join(jars, "*") };
}
