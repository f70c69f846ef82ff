import type { Json, StreamItem } from "@alluvium/core";
import { concatBatches, type Batch } from "@alluvium/core/columns";
import type { PathColumns } from "./described.ts";
import type { FileContent, FileItem } from "./format.ts";
import { pathColumns } from "./path-columns.ts";
import type { FilesCursor } from "./ledger/cursor.ts";

/** Rows after which a batch is handed on, however small they are. */
const MOST_ROWS = 32_768;

type BatchItem = Extract<FileItem, { readonly batch: unknown }>;
type RowsItem = Extract<StreamItem<FilesCursor>, { readonly batch: unknown }>;

/** What joins the rows of several files into batches of a useful size. */
export interface Gatherer {
  /** Takes rows of a file, of so many bytes; gives what is to be handed on before anything else comes. */
  take(item: BatchItem, size: number, file: FileContent): readonly RowsItem[];
  /** Gives all that is left. */
  flush(): readonly RowsItem[];
  /** Whether so much is held that a small file need not be waited for. */
  readonly isFull: boolean;
}

interface Part {
  readonly file: FileContent;
  readonly item: BatchItem;
}

/** Gathers the rows of a table. What has `targetBytes` by itself is not copied. */
export function createGatherer(table: string, path: PathColumns, targetBytes: number): Gatherer {
  const adder = pathColumns(path);
  let parts: Part[] = [];
  let bytes = 0;
  let rows = 0;
  const texts = new WeakMap<object, string>();
  const textOf = (schema: Batch["schema"]): string => {
    let text = texts.get(schema);
    if (text === undefined) texts.set(schema, (text = JSON.stringify(schema)));
    return text;
  };
  const sameColumns = (a: Batch, b: Batch): boolean =>
    a.schema === b.schema || (a.columns.length === b.columns.length && textOf(a.schema) === textOf(b.schema));

  function flush(): readonly RowsItem[] {
    if (parts.length === 0) return [];
    const taken = parts;
    parts = [];
    bytes = 0;
    rows = 0;
    const joined = concatBatches(taken.map(({ item }) => item.batch));
    const counts = taken.map(({ file, item }) => ({ file, rows: item.batch.length }));
    const batch = adder.add(joined, counts);
    const starts: number[] = [];
    let at = 0;
    for (const { rows: count } of counts) {
      starts.push(at);
      at += count;
    }
    const locate = (row: number): { readonly [name: string]: Json } => {
      let part = starts.length - 1;
      while (starts[part]! > row) part -= 1;
      const { file, item } = taken[part]!;
      return { file: file.path, ...item.locate(row - starts[part]!) };
    };
    // Not before, though it may be a copy: a dictionary that all have in common stays the same one.
    const release = (): void => {
      for (const { item } of taken) item.release?.();
    };
    return [{ table, batch, locate, release }];
  }

  return {
    take(item, size, file) {
      const { batch } = item;
      if (batch.length === 0) {
        item.release?.();
        return [];
      }
      const out: RowsItem[] = [];
      const fits =
        parts.length === 0 || (bytes + size <= targetBytes && sameColumns(parts[0]!.item.batch, batch));
      if (!fits) out.push(...flush());
      parts.push({ file, item });
      bytes += size;
      rows += batch.length;
      if (bytes >= targetBytes || rows >= MOST_ROWS) out.push(...flush());
      return out;
    },
    flush,
    get isFull() {
      return 2 * bytes >= targetBytes;
    },
  };
}
