/** A file of a modelled disk: what programs see, and what has reached the disk. */
export interface DiskFile {
  readonly kind: "file";
  bytes: Uint8Array;
  /** `undefined`: never synced. */
  synced: Uint8Array | undefined;
  modified: Date;
}

/** A folder of a modelled disk: its entries as programs see them, and as they have reached the disk. */
export interface DiskFolder {
  readonly kind: "folder";
  readonly entries: Map<string, DiskNode>;
  readonly synced: Map<string, DiskNode>;
}

/** A file or folder. */
export type DiskNode = DiskFile | DiskFolder;

/** A rename of which nothing has reached the disk yet. */
export interface PendingRename {
  readonly node: DiskFile;
  readonly from: DiskFolder;
  readonly fromName: string;
  /** Folders from the root to the target, outermost first, with the name of each next one. */
  readonly to: readonly { readonly folder: DiskFolder; readonly name: string }[];
}

/** An empty folder. */
export function newFolder(): DiskFolder {
  return { kind: "folder", entries: new Map(), synced: new Map() };
}

/** Brings the entries of a folder to the disk: names that came and names that went. Not what the files hold. */
export function syncEntries(folder: DiskFolder): void {
  folder.synced.clear();
  for (const [name, node] of folder.entries) folder.synced.set(name, node);
}

/**
 * Chooses what becomes of changes that have not reached the disk: `entry`, whether a changed name is there as changed; `content`,
 * what an unsynced file holds.
 */
export interface LossChoice {
  entry(): boolean;
  content(bytes: Uint8Array, synced: Uint8Array | undefined): Uint8Array;
}

/** Takes the power away: makes what has reached the disk, and what `choice` lets arrive of the rest, all that there is. */
export function losePower(root: DiskFolder, renames: readonly PendingRename[], choice: LossChoice): void {
  const kept = new Set<DiskNode>();
  settle(root, choice, kept);
  // File systems with a journal keep metadata in order: a rename leaves the old name, the new one, or both, never none.
  for (const { node, from, fromName } of renames) {
    if (kept.has(node) || from.synced.get(fromName) !== node) continue;
    from.entries.set(fromName, node);
    settleFile(node, choice);
  }
  mark(root);
}

function settle(folder: DiskFolder, choice: LossChoice, kept: Set<DiskNode>): void {
  for (const name of new Set([...folder.synced.keys(), ...folder.entries.keys()])) {
    const old = folder.synced.get(name);
    const changed = folder.entries.get(name) !== old;
    if (changed && !choice.entry()) {
      if (old === undefined) folder.entries.delete(name);
      else folder.entries.set(name, old);
    }
    const node = folder.entries.get(name);
    if (node === undefined || kept.has(node)) continue;
    kept.add(node);
    if (node.kind === "folder") settle(node, choice, kept);
    else settleFile(node, choice);
  }
}

function settleFile(file: DiskFile, choice: LossChoice): void {
  if (file.synced !== file.bytes) file.bytes = choice.content(file.bytes, file.synced);
}

function mark(folder: DiskFolder): void {
  syncEntries(folder);
  for (const node of folder.entries.values()) {
    if (node.kind === "folder") mark(node);
    else node.synced = node.bytes;
  }
}
