import { compareScalars } from "@alluvium/core/columns";

/**
 * Where the last read of a table failed, by the order of paths: between its last point to resume from and the file in which it was. A failure of a destination,
 * or of a contract, comes some files after the one that is to blame, since small ones are joined.
 */
export interface Brink {
  /**
   * The items of a read, of which it is noticed where it fails, or is ended before its end. What the reader held back is handed on before it fails, so that
   * the run knows as well how far it came.
   */
  watch<Item>(items: AsyncIterable<Item>, reader: { flush(): Iterable<Item> }): AsyncGenerator<Item, void>;
  /** A file is begun. */
  enter(path: string): void;
  /** There is a point to resume from after a file. */
  save(path: string): void;
  /** Whether a file is where the read before failed, so that it has to be followed by a point to resume from. */
  holds(path: string): boolean;
}

/** For all reads of a table in one run. */
export function createBrink(): Brink {
  let saved: string | undefined;
  let entered: string | undefined;
  let failed: { readonly from: string | undefined; readonly to: string } | undefined;
  return {
    async *watch(items, reader) {
      saved = undefined;
      entered = undefined;
      let ended = false;
      try {
        yield* items;
        ended = true;
      } catch (error) {
        yield* reader.flush();
        throw error;
      } finally {
        failed = ended || entered === undefined ? undefined : { from: saved, to: entered };
      }
    },
    enter(path) {
      entered = path;
    },
    save(path) {
      saved = path;
    },
    holds: (path) =>
      failed !== undefined &&
      (failed.from === undefined || compareScalars(path, failed.from) > 0) &&
      compareScalars(path, failed.to) <= 0,
  };
}
