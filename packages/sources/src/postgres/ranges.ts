import type { RelationDetails } from "./catalogue.ts";
import { alias } from "./columns.ts";
import { relationName } from "./sql.ts";

/** Blocks below which a table is read in one go: what is gained by more connections is less than what they cost. */
const wholeBlocks = 4096;
/** Blocks of the smallest range (8 MiB of 8 KiB blocks). */
const leastBlocks = 1024;
/** Ranges per connection, so that none waits long for the last. */
const rangesPerConnection = 4;

/** What one COPY reads: a relation as SQL with its alias, and the condition on its rows' positions. */
export interface Range {
  readonly from: string;
  readonly where: string | undefined;
}

/**
 * Cuts a table into ranges of blocks that several connections read under one snapshot. The last range of each piece has no end: what is
 * appended after the size was read may be visible too. Reading by position needs PostgreSQL 14 (TID range scans). Where it cannot be done, there is one
 * range, the relation itself.
 */
export function planRanges(
  relation: RelationDetails,
  version: number,
  connections: number,
): readonly Range[] {
  const whole: Range = { from: `${relationName(relation)} ${alias}`, where: undefined };
  const { pieces } = relation;
  const blocks = pieces.reduce((sum, piece) => sum + (piece.blocks ?? 0), 0);
  // Policies of the root say nothing about its pieces when these are read by themselves.
  if (version < 140_000 || connections < 2 || relation.hasPolicies || blocks < wholeBlocks) return [whole];
  const size = Math.max(leastBlocks, Math.ceil(blocks / (connections * rangesPerConnection)));
  return pieces.flatMap((piece): readonly Range[] => {
    const from = `only ${relationName(piece)} ${alias}`;
    const count = Math.max(1, Math.ceil((piece.blocks ?? 0) / size));
    if (count === 1) return [{ from, where: undefined }];
    return Array.from({ length: count }, (_, i) => {
      const start = `${alias}.ctid >= '(${i * size},0)'::tid`;
      return {
        from,
        where: i === count - 1 ? start : `${start} and ${alias}.ctid < '(${(i + 1) * size},0)'::tid`,
      };
    });
  });
}
