import type { AddFile } from "../log/actions.ts";
import { recordCount } from "../read/pruning.ts";

/** A file that may be written again, and what is known of it. */
export interface Candidate {
  readonly add: AddFile;
  /** About the bytes of its rows that are not deleted. */
  readonly liveBytes: number;
  /** Whether it has enough dead rows to be written again by itself. */
  readonly purge: boolean;
}

/** Files of one partition that become one file. */
export interface Bin {
  readonly partitionValues: AddFile["partitionValues"];
  readonly files: readonly AddFile[];
}

/** What makes a file a candidate. */
export interface BinRules {
  readonly targetBytes: number;
  /** Share of dead rows from which a file is written again. */
  readonly purge: number;
  /** So many small files are put together, or fewer that fill a file. */
  readonly minFiles: number;
}

/**
 * A file that reaches this share of the target size is not written again for its size: what is gained is less than what it costs, and
 * the same bytes would be copied with every small file that comes.
 */
const LARGE_ENOUGH = 0.75;

/** A file as a candidate. Its statistics, most of what it takes in memory, are left out. */
export function candidateOf(add: AddFile, { purge }: Pick<BinRules, "purge">): Candidate {
  const dead = deadShare(add);
  return {
    add: { ...add, stats: null },
    liveBytes: add.size * (1 - dead),
    purge: dead > 0 && dead >= purge,
  };
}

/** Whether a file is worth writing again, alone or with others. */
export function isWorthwhile(
  { liveBytes, purge }: Candidate,
  { targetBytes }: Pick<BinRules, "targetBytes">,
): boolean {
  return purge || liveBytes < targetBytes * LARGE_ENOUGH;
}

/** Which part of a file's rows is deleted; all of it where the log does not say how many there are. */
function deadShare(add: AddFile): number {
  const dead = add.deletionVector?.cardinality ?? 0;
  if (dead === 0) return 0;
  const records = recordCount(add);
  return records === undefined ? 1 : Math.min(1, dead / Math.max(1, records));
}

/** Candidates by their partition. */
export function byPartition(candidates: readonly Candidate[]): ReadonlyMap<string, Candidate[]> {
  const partitions = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const values = Object.entries(candidate.add.partitionValues).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(values);
    const members = partitions.get(key);
    if (members === undefined) partitions.set(key, [candidate]);
    else members.push(candidate);
  }
  return partitions;
}

/**
 * Packs candidates of the same partition into bins of at most the target size, the small ones first. A bin with one file or too few is left
 * out, unless one of them has dead rows to get rid of.
 */
export function packBins(candidates: readonly Candidate[], { targetBytes, minFiles }: BinRules): Bin[] {
  const bins: Bin[] = [];
  for (const members of byPartition(candidates).values()) {
    members.sort((a, b) => a.liveBytes - b.liveBytes);
    let bin: Candidate[] = [];
    let bytes = 0;
    const close = (): void => {
      const full = bin.length > 1 && bytes >= targetBytes * LARGE_ENOUGH;
      if (full || bin.length >= Math.max(2, minFiles) || bin.some(({ purge }) => purge))
        bins.push({ partitionValues: bin[0]!.add.partitionValues, files: bin.map(({ add }) => add) });
      bin = [];
      bytes = 0;
    };
    for (const member of members) {
      if (bin.length > 0 && bytes + member.liveBytes > targetBytes) close();
      bin.push(member);
      bytes += member.liveBytes;
    }
    close();
  }
  return bins;
}
