import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** An example as it stands in a doc comment or a page. */
export interface Block {
  readonly path: string;
  /** Line of its first line of code, from 1. */
  readonly line: number;
  readonly code: readonly string[];
}

/** The blocks of TypeScript in a file: in a page all, in a source those of its doc comments. */
export function blocksOf(path: string, text: string): Block[] {
  const blocks: Block[] = [];
  const inComments = path.endsWith(".ts");
  let code: string[] | undefined;
  let start = 0;
  text.split("\n").forEach((raw, index) => {
    const comment = /^ *\* ?(.*)$/.exec(raw);
    if (inComments && comment === null) return void (code = undefined);
    const line = inComments ? comment![1]! : raw;
    if (code === undefined) {
      if (line !== "```ts") return;
      code = [];
      start = index + 2;
    } else if (line === "```") {
      blocks.push({ path, line: start, code });
      code = undefined;
    } else code.push(line);
  });
  return blocks;
}

/** What an entry point gives. */
export interface Entry {
  readonly specifier: string;
  /** Its source file, relative to the checkout. */
  readonly source: string;
  readonly names: ReadonlySet<string>;
}

/** The public entry points of the packages and the names that each exports. */
export function exportsOf(root: string): Entry[] {
  return ["core", "sources", "destinations", "synthetic"].flatMap((name) => {
    const folder = join("packages", name);
    const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as {
      name: string;
      exports: Record<string, string | Record<string, string>>;
    };
    return Object.entries(manifest.exports).flatMap(([subpath, target]) => {
      const file = typeof target === "string" ? undefined : target["@alluvium/source"];
      if (file === undefined) return [];
      const source = join(folder, file);
      const specifier = join(manifest.name, subpath);
      return [{ specifier, source, names: namesIn(readFileSync(resolve(root, source), "utf8")) }];
    });
  });
}

function namesIn(text: string): Set<string> {
  const names = new Set<string>();
  for (const [, list] of text.matchAll(/^export (?:type )?\{([^}]*)\}/gm))
    for (const item of list!.split(",")) {
      const name = /(\w+)$/.exec(item.trim())?.[1];
      if (name !== undefined) names.add(name);
    }
  for (const [, name] of text.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm))
    names.add(name!);
  return names;
}

const core = 'import("@alluvium/core")';

/** What examples take for granted, by name: the reader knows what an order is. Only what an example uses and does not declare is put before it. */
const given: Readonly<Record<string, string>> = {
  Order: `interface Order { id: number; open: boolean; total: string; country: string; createdAt: Date; updatedAt: Date }`,
  fetchOrders: `declare function fetchOrders(since: Date | undefined, signal: AbortSignal): Promise<Order[]>;`,
  fetchPage: `declare function fetchPage(page: number, signal: AbortSignal): Promise<Order[]>;`,
  read: `declare function read(): AsyncIterable<Order[]>;`,
  orders: `declare const orders: ${core}.Resource<"orders", Order, "append">;`,
  destination: `declare const destination: ${core}.Destination<"append" | "replace">;`,
  source: `declare const source: ${core}.Source<{ orders: { row: Order; ability: "append" } }>;`,
  shop: `declare const shop: ${core}.Source<{ orders: { row: Order; ability: "append" } }>;`,
  crm: `declare const crm: (config: { token: string }) => ${core}.Source<{ orders: { row: Order; ability: "append" } }>;`,
  token: `declare const token: string;`,
  url: `declare const url: string;`,
  signal: `declare const signal: AbortSignal;`,
  load: `declare const load: ${core}.Pipeline;`,
  lake: `declare const lake: ${core}.Pipeline;`,
  schema: `declare const schema: ${core}.Schema;`,
  open: `declare const open: ${core}.Source["open"];`,
  capabilities: `declare const capabilities: ${core}.Capabilities;`,
  runner: `import { runner } from "@alluvium/core/run";`,
  openSession: `declare function openSession(context: ${core}.OpenContext): Promise<${core}.DestinationSession>;`,
  store: `declare const store: ${core}.ObjectStore;`,
  table: `declare const table: string;`,
  rows: `declare const rows: readonly object[];`,
  batch: `declare const batch: import("@alluvium/core/columns").Batch;`,
  batches: `declare const batches: AsyncIterable<import("@alluvium/core/columns").Batch>;`,
  bytes: `declare const bytes: Uint8Array;`,
  test: `declare const test: (name: string, run: () => Promise<void>) => void;`,
  ordersOf: `declare function ordersOf(config: object): ${core}.Resource<"orders", Order, "append">;`,
  customersOf: `declare function customersOf(config: object): ${core}.Resource<"customers", Order, "append">;`,
  loadInto: `declare function loadInto(store: ${core}.ObjectStore): Promise<void>;`,
  ignoreStopped: `declare function ignoreStopped(error: unknown): void;`,
  expectEveryRowOnce: `declare function expectEveryRowOnce(store: ${core}.ObjectStore): Promise<void>;`,
  step: `declare const step: number;`,
  seed: `declare const seed: number;`,
  since: `declare const since: import("@alluvium/core/cursor").ColumnCursor | undefined;`,
  readFrom: `declare function readFrom(value: unknown): AsyncIterable<import("@alluvium/core/columns").Batch>;`,
  Table: `import { Table } from "apache-arrow";`,
  format: `declare const format: LakeOptions["format"];`,
  deltaFormat: `declare const deltaFormat: LakeOptions["format"];`,
  openWriter: `declare const openWriter: LakeOptions["openWriter"];`,
  rewrite: `declare const rewrite: LakeOptions["rewrite"];`,
};

/** A module that holds an example: on its first line what the example takes for granted, then the example's own lines. */
export function moduleOf(block: Block, entries: readonly Entry[], root: string): string {
  const imports = block.code.filter((line) => line.startsWith("import "));
  const body = block.code.map((line) => (line.startsWith("import ") ? "" : line));
  const text = [...imports, ...body].join("\n");
  const before: string[] = [];
  const declared = new Set(
    [...text.matchAll(/\b(?:const|let|function\*?|class|interface|type) (\w+)/g)].map(([, name]) => name!),
  );
  for (const [, list] of text.matchAll(/^import (?:type )?\{([^}]*)\}/gm))
    for (const item of list!.split(",")) declared.add(/(\w+)$/.exec(item.trim())![1]!);
  // An entry point's own names come first: `test` of one is not that of another.
  const near = [...entries].sort((left, right) => nearness(right, block) - nearness(left, block));
  if (block.path.endsWith(".ts")) near.push(ownEntry(root, block.path));
  const need = (code: string): void => {
    // Keys of objects are no names of something.
    for (const name of new Set(code.match(/(?<![.\w"'/@-])[A-Za-z_]\w*\b(?!:)/g))) {
      if (declared.has(name)) continue;
      const entry = near.find(({ names }) => names.has(name));
      const isCall = new RegExp(`\\b${name}[(<.]|: ${name}\\b`).test(code);
      if (entry !== undefined && isCall) {
        declared.add(name);
        before.push(`import { ${name} } from "${entry.specifier}";`);
      } else if (Object.hasOwn(given, name)) {
        declared.add(name);
        before.push(given[name]!);
        need(given[name]!);
      }
    }
  };
  need(text);
  // In a generator, so that an example may wait, return and yield.
  const head = `${[...imports, ...before].join(" ")} export async function* example(): AsyncGenerator<unknown, void> {`;
  return `${head}\n${body.join("\n")}\n}\n`;
}

/** An inner file, whose examples use what it exports itself. */
function ownEntry(root: string, path: string): Entry {
  const source = join(root, path);
  return { specifier: source, source: path, names: namesIn(readFileSync(source, "utf8")) };
}

function nearness(entry: Entry, block: Block): number {
  const [, name] = block.path.split("/");
  if (entry.source === block.path) return 3;
  if (dirname(entry.source) === dirname(block.path)) return 2;
  return entry.source.startsWith(`packages/${name}/`) ? 1 : 0;
}
