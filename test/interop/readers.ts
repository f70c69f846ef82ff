import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { installJars, installOnce, installPython } from "../installed.ts";

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

/** Installs what is missing and says where it is. */
export async function installReaders(): Promise<Readers> {
  const pom = join(import.meta.dirname, "pom.xml");
  const versions = [packages, spark, deltaSpark, readFileSync(pom, "utf8")];
  const folder = await installOnce("readers", versions, async (into) => {
    cpSync(pom, join(into, "pom.xml"));
    await Promise.all([installPython(into, [...packages, ...spark], deltaSpark), installJars(into, "all")]);
    // What pyspark brings itself, in whatever version, must not be on the class path twice.
    const artifact = (file: string): string => basename(file).replace(/-\d[\w.-]*\.jar$/, "");
    const bundled = new Set(
      globSync("venv/lib/python*/site-packages/pyspark/jars/*.jar", { cwd: into }).map(artifact),
    );
    mkdirSync(join(into, "jars"));
    for (const jar of globSync("all/*.jar", { cwd: into }))
      if (!bundled.has(artifact(jar))) renameSync(join(into, jar), join(into, "jars", basename(jar)));
    rmSync(join(into, "all"), { recursive: true });
  });
  return { python: join(folder, "venv", "bin", "python"), jars: join(folder, "jars", "*") };
}
