import { execFile } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { errorCodes } from "@alluvium/core/errors";
import { exportsOf } from "./doc-blocks.ts";
import { BUCKET, startS3 } from "./s3/server.ts";
import { describe, expect, onTestFinished, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = globSync(["docs/*.md", "docs/{guide,connectors}/*.md"], { cwd: root }).sort();
const readmes = globSync(["*.md", "packages/*/README.md", "packages/*/src/**/README.md", "docs/adr/*.md"], {
  cwd: root,
}).sort();
const examples = globSync("examples/*.ts", { cwd: root }).sort();

/** The regions of an example, by name. A region that is not closed, or closed under another name, throws. */
function regionsOf(path: string): Map<string, string> {
  const regions = new Map<string, string>();
  let open: { readonly name: string; readonly lines: string[] } | undefined;
  for (const line of read(path).split("\n")) {
    const [, mark, name] = /^\s*\/\/ #(region|endregion) (\S+)$/.exec(line) ?? [];
    if (mark === "region") {
      if (open !== undefined || regions.has(name!))
        throw new Error(`${path}: region ${name} opens twice, or within ${open?.name}`);
      open = { name: name!, lines: [] };
    } else if (mark === "endregion") {
      if (open?.name !== name) throw new Error(`${path}: region ${name} ends, but ${open?.name} is open`);
      regions.set(name!, open!.lines.join("\n"));
      open = undefined;
    } else open?.lines.push(line);
  }
  if (open !== undefined) throw new Error(`${path}: region ${open.name} never ends`);
  return regions;
}

describe("pages", () => {
  test("there are some", () => expect(pages.length).toBeGreaterThan(8));

  test.for(pages)("%s shows regions that exist", (page) => {
    // A region that does not exist would silently show the whole file.
    for (const [line, target] of read(page).matchAll(/^<<< (.*)$/gm)) {
      const [, file, region] = /^@\/\.\.\/(examples\/[\w-]+\.ts)#([\w-]+)\{ts\}$/.exec(target!) ?? [];
      expect(file, line).toBeDefined();
      expect([...regionsOf(file!).keys()], line).toContain(region);
    }
  });

  test.for(pages.filter((page) => page.includes("/guide/")))("%s has no code of its own", (page) => {
    expect(read(page)).not.toMatch(/^```(?:ts|js)/m);
  });

  test("every region is shown somewhere", () => {
    const shown = new Set(
      pages.flatMap((page) =>
        [...read(page).matchAll(/(examples\/[\w-]+\.ts)#([\w-]+)/g)].map(
          ([, file, region]) => `${file}#${region}`,
        ),
      ),
    );
    const all = examples.flatMap((path) => [...regionsOf(path).keys()].map((name) => `${path}#${name}`));
    expect(all.filter((name) => !shown.has(name))).toEqual([]);
  });

  test("every link of the sidebar leads to a page", () => {
    const links = [...read("docs/.vitepress/config.ts").matchAll(/link: "(\/[^"]*)"/g)].map(
      ([, link]) => link!,
    );
    expect(links.length).toBeGreaterThan(8);
    const made = ["/api/", "/reference/errors"];
    expect(
      links.filter((link) => !made.includes(link) && !existsSync(join(root, "docs", `${link}.md`))),
    ).toEqual([]);
  });

  test.for([...pages, ...readmes])("%s names error codes that exist", (page) => {
    const named = new Set(read(page).match(/\bALV_[A-Z_]+[A-Z]\b/g));
    expect([...named].filter((code) => !(code in errorCodes))).toEqual([]);
  });
});

describe("the API", () => {
  const entries = exportsOf(root);

  test("every subpath is an entry of the reference", () => {
    const { entryPoints } = JSON.parse(read("docs/typedoc.json")) as { entryPoints: string[] };
    const listed = entryPoints.map((path) => path.replace(/^\.\.\//, ""));
    expect(listed.toSorted()).toEqual(entries.map(({ source }) => source).toSorted());
  });

  test.for(entries)("$specifier says what it is for", ({ specifier, source }) => {
    const [, comment] = /^\/\*\*\n([^]*?)\*\//.exec(read(source)) ?? [];
    expect(comment).toContain(` * @module ${specifier.replace("@alluvium/", "")}\n`);
    expect(comment).toMatch(/^ \* \w/);
  });
});

describe("READMEs", () => {
  test.for(readmes)("links of %s lead somewhere", (page) => {
    const broken = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, link]) => link!)
      .filter((link) => !existsSync(join(root, dirname(page), link)));
    expect(broken).toEqual([]);
  });

  test("each package has one", () => {
    const packages = globSync("packages/*/package.json", { cwd: root }).map(dirname);
    expect(packages.filter((path) => !existsSync(join(root, path, "README.md")))).toEqual([]);
  });

  test("the first program is the example of twelve lines", () => {
    const program = /^```ts\n([^]*?)\n```/m.exec(read("README.md"))![1]!;
    expect(program).toBe(regionsOf("examples/quickstart.ts").get("load"));
    expect(program.split("\n").filter((line) => line !== "")).toHaveLength(12);
  });
});

describe("examples that need no service run", () => {
  const run = async (name: string, folder: string, env: Record<string, string> = {}): Promise<string> => {
    const node = join(root, "node_modules/.bin/node");
    const command = existsSync(node) ? node : process.execPath;
    const { stdout } = await promisify(execFile)(
      command,
      ["--conditions=@alluvium/source", join(root, "examples", `${name}.ts`)],
      { cwd: folder, env: { ...process.env, ...env } },
    );
    return stdout;
  };
  const emptyFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "alluvium-examples-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  const options = { timeout: 60_000 };

  test("resource, then read and duckdb", options, async () => {
    const folder = emptyFolder();
    expect(await run("resource", folder)).toBe("1\n");
    const [shown, counted] = await Promise.all([run("read", folder), run("duckdb", folder)]);
    expect(shown).toContain("{ id: 1n, title: 'Names with umlauts' }");
    expect(shown).not.toContain("Slow start");
    expect(counted).toContain("{ open: true, issues: 1n }");
    expect(await run("resource", folder), "nothing is new").toBe("0\n");
  });

  test("care and attach", options, async () => {
    const folder = emptyFolder();
    await run("resource", folder);
    expect(await run("attach", folder)).toContain("{ open: true, issues: 1n }");
    const care = await run("care", folder);
    expect(care).toContain("1 rows are gone");
    expect(care).toMatch(/^sound$/m);
    expect(care).toMatch(/^version \d holds what version 0 held$/m);
  });

  test("transforms", options, async () => {
    const shown = await run("transforms", emptyFolder());
    expect(shown).toMatch(/large_orders +append +1 /);
    expect(shown).toMatch(/order_items +append +3 /);
    expect(shown).toContain("domain: 'example.org'");
  });

  test("evolve", options, async () => {
    const shown = await run("evolve", emptyFolder());
    expect(shown).toContain("[ { kind: 'tableCreated' } ]");
    expect(shown).toContain("column: 'http_status'");
    expect(shown).toContain("variant: 'weight__v_string'");
    expect(shown).toMatch(/ALV_SCHEMA_CONFLICT .*int64, and string/);
  });

  test("change", options, async () => {
    const shown = await run("change", emptyFolder());
    expect(shown).toContain("dry run, nothing was written");
    expect(shown).toContain("    + city string");
    expect(shown).toMatch(/^data$/m);
    expect(shown).toMatch(/ALV_SCHEMA_CONFLICT column phone of customers/);
  });

  test("drift", options, async () => {
    const folder = emptyFolder();
    const shown = await run("drift", folder);
    expect(shown).toMatch(/range\(total\)/);
    expect(readFileSync(join(folder, "checks.html"), "utf8")).toContain("unique(id)");
    expect(shown).toMatch(/3 of 3 rows of orders were refused \(100 %\).*maxPercent: 60/);
    expect(shown).toContain("replayed: 3");
    expect(shown).toContain("waiting: 0");
    expect(shown).toMatch(/│ 1n │ 13 +│ 'CH'/);
    expect(shown).toContain("orders: - coupon, gone at the source");
    expect(shown).toContain("forgotten: 1");
  });

  test("files, of a folder and of a bucket", options, async () => {
    await using server = await startS3();
    const { accessKeyId, secretAccessKey } = server.account;
    const bucket = {
      SHOP_URL: `s3://${BUCKET}/shop`,
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: "us-east-1",
    };
    const shown = await Promise.all([run("s3-files", emptyFolder()), run("s3-files", emptyFolder(), bucket)]);
    for (const text of shown) {
      expect(text).toMatch(/reviews +upsert +1 +1 +0 +1 /);
      expect(text).toContain("tickets: column amount added");
      expect(text).toMatch(/stars is int64.*2026-01-02.csv.gz', line: 4/);
      expect(text).toContain("wobbles;");
    }
    expect(server.requests.some(({ key }) => key.startsWith("shop/lake/reviews/_delta_log/"))).toBe(true);
  });

  test("quality", options, async () => {
    const folder = emptyFolder();
    const shown = await run("quality", folder);
    expect(shown).toContain("10 of 13 passed");
    expect(shown).toContain("check accepted(status) failed before the commit: 1 of 3 rows");
    expect(readFileSync(join(folder, "checks.html"), "utf8")).toContain("2 checks failed");
  });

  test("embed", options, async () => {
    const shown = await run("embed", emptyFolder());
    expect(shown).toContain("load 0 is committed");
    expect(shown).toContain("readings: 1000");
  });

  test("backfill", options, async () => {
    expect(await run("backfill", emptyFolder())).toBe("30\n");
  });

  test("suites", options, async () => {
    const shown = await run("suites", emptyFolder());
    expect(shown).toMatch(/fail 0$/m);
    expect(shown).not.toMatch(/pass 0$/m);
  });
});
