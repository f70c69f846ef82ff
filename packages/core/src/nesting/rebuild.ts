import { AlluviumError } from "../errors.ts";
import type { TableState } from "../state/state.ts";
import { parseName, type Empty } from "./path.ts";
import { columnReaders, isThere, parsed, type ReadColumn, type StoredRow } from "./rebuild-value.ts";
import { listIndex, parentId, rowId } from "./system-columns.ts";

/** What {@link rebuildRows} puts together. */
export interface RebuildOptions {
  /** The root's table at the destination. */
  readonly table: string;
  /** What the pipeline remembers of its tables: `(await load.state()).tables`. */
  readonly tables: { readonly [table: string]: TableState };
  /** The rows of the root and of its child tables, as they were read back; tables that are missing have none. Ids as text, as drivers give them. */
  readonly rows: { readonly [table: string]: readonly StoredRow[] };
}

/**
 * Rows as their source gave them, put together from a table and its child tables: objects and lists again, under the source's names. A
 * member that a row lacked is null. Values are what the destination gave for them, so JSON is text where its driver does not parse it. What a
 * column did not hold and a variant column took (`total__v_string`) stands where it stood, and so does what became JSON because its kind changed. `ALV_TABLE_NOT_FOUND` where the pipeline has no such table.
 *
 * @example
 * ```ts
 * const { store } = memoryDestination();
 * const { tables } = (await load.state())!;
 * const rows = { orders: store.rows("orders"), orders__items: store.rows("orders__items") };
 * const orders = rebuildRows({ table: "orders", tables, rows });
 * ```
 */
export function rebuildRows(options: RebuildOptions): readonly Record<string, unknown>[] {
  const { table, rows } = options;
  const read = readerOf(table, options);
  return (rows[table] ?? []).map((row) => read.members(row) as Record<string, unknown>);
}

/** A value that may have been taken apart. */
interface Node {
  /** The column that holds it as one value. */
  column: ReadColumn | undefined;
  readonly members: Map<string, Node>;
  /** Columns that say it is there and holds nothing. */
  readonly empty: { [Kind in Empty]?: ReadColumn };
  /** The column that holds it as JSON where its own could not. */
  json: ReadColumn | undefined;
  /** Its elements, by the id of the row in which it stands. */
  list: ((id: unknown) => unknown) | undefined;
}

interface Reader {
  /** What a row is as an element: a value, an object, a list, or null. */
  element(row: StoredRow): unknown;
  /** A row as an object, with all of its members. */
  members(row: StoredRow): object;
  /** The column with the key, in the child table of a map. */
  readonly key: string | undefined;
}

function readerOf(table: string, options: RebuildOptions): Reader {
  const known = options.tables[table];
  if (known === undefined)
    throw new AlluviumError(
      "ALV_TABLE_NOT_FOUND",
      `the pipeline has no table ${table}; it has ${Object.keys(options.tables).join(", ") || "none"}`,
    );
  const top = newNode();
  const readers = columnReaders(known);
  let key: string | undefined;
  for (const [column, name] of Object.entries(known.columns)) {
    if (name.startsWith("_alv_")) continue;
    const { path, token } = parseName(name);
    const node = nodeAt(top, path);
    const read = readers.get(column);
    if (token === undefined || token === "value") node.column = read;
    else if (token === "key") key = column;
    else if (token === "json") node.json = read;
    else if (read !== undefined) node.empty[token] = read;
  }
  for (const [child, { nested }] of Object.entries(options.tables))
    if (nested?.parent === table) nodeAt(top, pathOf(nested.path)).list = listsOf(child, options);
  return {
    element: (row) => valueOf(top, row),
    members: (row) => objectOf(top, row),
    key,
  };
}

function pathOf(pointer: string): readonly string[] {
  return pointer === "" ? [] : parseName(pointer).path;
}

function newNode(): Node {
  return { column: undefined, members: new Map(), empty: {}, json: undefined, list: undefined };
}

function nodeAt(top: Node, path: readonly string[]): Node {
  let node = top;
  for (const name of path) {
    let next = node.members.get(name);
    if (next === undefined) node.members.set(name, (next = newNode()));
    node = next;
  }
  return node;
}

/** The elements of each list of a child table, by the row above. */
function listsOf(table: string, options: RebuildOptions): (id: unknown) => unknown {
  const read = readerOf(table, options);
  const byParent = new Map<unknown, StoredRow[]>();
  for (const row of options.rows[table] ?? []) {
    const id = row[parentId];
    const rows = byParent.get(id);
    if (rows === undefined) byParent.set(id, [row]);
    else rows.push(row);
  }
  for (const rows of byParent.values()) rows.sort((a, b) => Number(a[listIndex]) - Number(b[listIndex]));
  return (id) => {
    const rows = byParent.get(id);
    if (rows === undefined || read.key === undefined) return rows?.map((row) => read.element(row));
    return new Map(rows.map((row) => [row[read.key!], read.element(row)]));
  };
}

function valueOf(node: Node, row: StoredRow): unknown {
  const { column, members, empty, list, json } = node;
  const elements = list?.(row[rowId]);
  if (elements !== undefined) return elements;
  const own = cell(row, column) ?? parsed(cell(row, json));
  if (isThere(own)) return own;
  if (isThere(cell(row, empty.list))) return [];
  if (isThere(cell(row, empty.map))) return new Map();
  const isHollow = isThere(cell(row, empty.struct));
  if (members.size === 0 && !isHollow) return null;
  const object = objectOf(node, row);
  return isHollow || Object.values(object).some(isThere) ? object : null;
}

/** A row's own value. */
function cell(row: StoredRow, read: ReadColumn | undefined): unknown {
  return read?.(row);
}

function objectOf({ members }: Node, row: StoredRow): object {
  const object = {};
  for (const [name, member] of members)
    // Assigning to `__proto__` would set the prototype.
    Object.defineProperty(object, name, {
      value: valueOf(member, row),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  return object;
}
