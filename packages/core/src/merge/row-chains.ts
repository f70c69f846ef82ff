/** Says that a row has no base: it is whole, or its missing cells are null. */
export const NO_BASE = -1;

/**
 * Rows in the making, by number: each is a row of the load, by its position, laid over a base, which is another such row, a stored one
 * (`storedRow(entry)`), or none.
 */
export interface RowChains {
  /** Adds a row. `partial`: cells that were not sent come from the base, or are null without one. */
  add(position: number, base: number, partial: boolean): number;
  /** The position of a row's last part. */
  position(row: number): number;
  /** What a row lies upon: another row of the chains, a stored one, or `NO_BASE`. */
  base(row: number): number;
  /** Whether the row is one of the load's as it stands. */
  isWhole(row: number): boolean;
  /** The stored entry below a row's parts, -1 for none, and the positions of its parts, the oldest first. */
  parts(row: number): { readonly base: number; readonly positions: readonly number[] };
}

/** The stored row of an entry, as a base. */
export function storedRow(entry: number): number {
  return -2 - entry;
}

/** The entry of a base that is a stored row; of others a negative number. */
export function storedEntry(row: number): number {
  return -2 - row;
}

export function rowChains(): RowChains {
  const positions: number[] = [];
  const bases: number[] = [];
  const partial: boolean[] = [];
  return {
    add(position, base, isPartial) {
      positions.push(position);
      bases.push(isPartial ? base : NO_BASE);
      partial.push(isPartial);
      return positions.length - 1;
    },
    position: (row) => positions[row]!,
    base: (row) => bases[row]!,
    isWhole: (row) => !partial[row]!,
    parts(row) {
      const found: number[] = [];
      let at = row;
      while (at >= 0) {
        found.push(positions[at]!);
        at = bases[at]!;
      }
      return { base: at === NO_BASE ? -1 : storedEntry(at), positions: found.reverse() };
    },
  };
}
