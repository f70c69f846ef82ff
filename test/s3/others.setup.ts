import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestProject } from "vitest/node";
import { installJars, installOnce, installPython } from "../installed.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Servers of the S3 protocol that are not ours. MiniStack has other services of AWS as well. */
    s3: { readonly ministack: string; readonly s3proxy: string };
  }
}

const ministack = ["ministack==1.5.33"];
const localhost = "127.0.0.1";

/** Starts MiniStack and S3Proxy for the whole run, each in a folder of its own, on the loopback. What is missing is installed; without it the run fails. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-s3-"));
  const pom = join(import.meta.dirname, "pom.xml");
  const [python, jars] = await Promise.all([
    installOnce("ministack", ministack, async (into) => {
      await installPython(into, ministack);
    }),
    installOnce("s3proxy", [readFileSync(pom, "utf8")], async (into) => {
      cpSync(pom, join(into, "pom.xml"));
      await installJars(into, "jars");
    }),
  ]);
  const first = await start(join(python, "venv", "bin", "ministack"), [], (port) => ({
    GATEWAY_PORT: String(port),
    BIND_HOST: localhost,
    IOT_MTLS_ENABLED: "0",
    SFTP_ENABLED: "0",
    LAMBDA_EXECUTOR: "local",
    TMPDIR: folder,
    STATE_DIR: join(folder, "state"),
    S3_DATA_DIR: join(folder, "s3"),
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    SERVICES: "s3,dynamodb,secretsmanager,ssm,glue,sqs",
  }));
  const properties = join(folder, "s3proxy.conf");
  const log = join(folder, "log.xml");
  const second = await start(
    "java",
    [
      "-Xmx256m",
      `-Dlogback.configurationFile=${log}`,
      "-cp",
      join(jars, "jars", "*"),
      "org.gaul.s3proxy.Main",
      "--properties",
      properties,
    ],
    (port) => {
      const base = join(folder, "s3proxy");
      mkdirSync(base);
      writeFileSync(
        log,
        '<configuration><appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%msg%n</pattern></encoder></appender><root level="WARN"><appender-ref ref="out"/></root></configuration>',
      );
      writeFileSync(
        properties,
        [
          `s3proxy.endpoint=http://${localhost}:${port}`,
          "s3proxy.authorization=aws-v2-or-v4",
          "s3proxy.identity=test",
          "s3proxy.credential=test",
          "jclouds.provider=filesystem-nio2",
          `jclouds.filesystem.basedir=${base}`,
        ].join("\n"),
      );
      return {};
    },
  );
  project.provide("s3", { ministack: first.endpoint, s3proxy: second.endpoint });
  return async () => {
    await Promise.all([first.stop(), second.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
}

interface Started {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

async function start(
  file: string,
  args: readonly string[],
  configure: (port: number) => NodeJS.ProcessEnv,
): Promise<Started> {
  const port = await freePort();
  const environment = configure(port);
  const child = spawn(file, args, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-4_000);
    });
  const ended = once(child, "exit");
  for (let look = 0; !(await accepts(port)); look++) {
    if (child.exitCode !== null || look > 600) throw new Error(`${file} does not answer\n${complaints}`);
    await sleep(100);
  }
  return {
    endpoint: `http://${localhost}:${port}`,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, localhost);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, localhost);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
