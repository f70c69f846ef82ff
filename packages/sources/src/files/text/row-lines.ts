/** The lines that the rows of a batch begin in. Mostly each is the next one, which takes no memory. */
export interface RowLines {
  /** Appends rows by the first `count` of `lines`, which rise. */
  add(lines: Float64Array, count: number): void;
  /** Hands over what tells the line of a row, and begins anew. */
  take(): (row: number) => number;
}

/** Without rows. */
export function createRowLines(): RowLines {
  /** The rows that do not begin in the line after that of the row before, and their lines. */
  let rows: number[] = [];
  let firsts: number[] = [];
  let length = 0;
  /** The line of a next row that needs no entry. */
  let next = Number.NaN;
  return {
    add(lines, count) {
      if (count === 0) return;
      const last = lines[count - 1]!;
      if (lines[0] !== next || last !== next + count - 1)
        for (let i = 0; i < count; i++) {
          const line = lines[i]!;
          if (line !== next) {
            rows.push(length + i);
            firsts.push(line);
          }
          next = line + 1;
        }
      next = last + 1;
      length += count;
    },
    take() {
      const [starts, begins] = [rows, firsts];
      rows = [];
      firsts = [];
      length = 0;
      next = Number.NaN;
      return (row) => {
        let low = 0;
        let top = starts.length - 1;
        while (low < top) {
          const middle = (low + top + 1) >> 1;
          if (starts[middle]! <= row) low = middle;
          else top = middle - 1;
        }
        return begins[low]! + row - starts[low]!;
      };
    },
  };
}
