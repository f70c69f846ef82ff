import { takeVector, type Vector } from "@alluvium/core/columns";
import {
  changelogBuilder,
  changeRows,
  createKeyIndex,
  keyHashes,
  type Changelog,
  type ChangeRows,
  type KeyIndex,
} from "@alluvium/core/merge";
import { ChangeOp } from "@alluvium/core/columns";
import { readInput, type MergeInput } from "./inputs.ts";
import { namedColumns, type MergeTable } from "./table.ts";

/** The changes of a load, or of a part of its keys. */
export interface Fold {
  readonly changelog: Changelog;
  /** The number of each row of the changelog among those of the load; `undefined`: they are the same. */
  readonly numbers: Int32Array | undefined;
}

/** Bytes that a key takes in memory while it is folded and looked for, beside its own. */
const KEY_BYTES = 48;

/**
 * Folds the changes of a load, reading only the columns that it takes to know their order. Loads with more keys than `budget` bytes hold come in
 * several parts by the hash of their keys. What a move ties together stays together: the keys that moves name are a part of their own.
 *
 * @param extra bytes that each row takes beside its key
 */
export async function* foldInputs(
  inputs: readonly MergeInput[],
  table: MergeTable,
  budget: number,
  extra = 0,
): AsyncGenerator<Fold> {
  const rows = inputs.reduce((sum, { file }) => sum + file.rows, 0);
  const parts = Math.ceil((rows * (bytesPerKey(table) + extra)) / budget);
  if (parts <= 1) {
    yield { changelog: await gather(inputs, table, rows), numbers: undefined };
    return;
  }
  const moved = await movedKeys(inputs, table);
  for (let part = moved.size > 0 ? -1 : 0; part < parts; part++) {
    const numbers: Int32Array[] = [];
    const changelog = await gather(inputs, table, Math.ceil(rows / parts), (each, start) => {
      const chosen = rowsOfPart(each, moved, part, parts);
      numbers.push(chosen.map((row) => start + row));
      return chosen;
    });
    yield { changelog, numbers: joined(numbers) };
  }
}

function bytesPerKey({ keys, merge }: MergeTable): number {
  const width = (name: string): number => (/^(string|binary|decimal)$/.test(name) ? 40 : 8);
  const extra = merge.merge?.orderBy === undefined ? 0 : 16;
  return KEY_BYTES + extra + keys.reduce((sum, { type }) => sum + width(type.kind), 0);
}

/** Which rows of a part: those whose key has a hash for it; truncates belong to all. Part -1 are the keys that moves name. */
function rowsOfPart(
  { keys, changes, length }: ChangeRows,
  moved: KeyIndex,
  part: number,
  parts: number,
): Int32Array {
  const isMoved = moved.size > 0 ? moved.probe(keys) : undefined;
  const hashes = keyHashes(moved.types, keys);
  const rows = new Int32Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    const own = isMoved !== undefined && isMoved[row]! >= 0 ? -1 : (hashes[row]! >>> 0) % parts;
    if (own === part || changes?.ops[row] === ChangeOp.truncate) rows[count++] = row;
  }
  return rows.slice(0, count);
}

/** The keys that moves name, old and new ones. */
async function movedKeys(inputs: readonly MergeInput[], table: MergeTable): Promise<KeyIndex> {
  const index = createKeyIndex(table.keys.map(({ type }) => type));
  for (const input of inputs) {
    if (input.file.changes === undefined) continue;
    for await (const { batch } of readInput(input, table, table.keys)) {
      const old = batch.changes?.oldKeys;
      if (old === undefined) continue;
      const rows = Int32Array.from({ length: batch.length }, (_, row) => row).filter((row) =>
        old.columns.some((column) => column.nullCount === 0 || isSet(column, row)),
      );
      index.add(old.columns.map((column) => takeVector(column, rows)));
      index.add(batch.columns.map((column) => takeVector(column, rows)));
    }
  }
  return index;
}

function isSet({ nullCount, validity }: Vector, row: number): boolean {
  return nullCount === 0 || (validity !== undefined && ((validity[row >> 3]! >> (row & 7)) & 1) === 1);
}

type Choose = (rows: ChangeRows, start: number) => Int32Array;

async function gather(
  inputs: readonly MergeInput[],
  table: MergeTable,
  expected: number,
  choose?: Choose,
): Promise<Changelog> {
  const { keys, merge, operation } = table;
  const options = merge.merge ?? {};
  const boundary = operation.validity?.column;
  const columns = namedColumns(table, [
    ...keys.map(({ name }) => name),
    ...(options.orderBy === undefined ? [] : [options.orderBy]),
    ...(options.deleteFlag === undefined ? [] : [options.deleteFlag]),
    ...(options.mergeKey ?? []),
    ...(boundary !== undefined && table.columns.some(({ name }) => name === boundary) ? [boundary] : []),
  ]);
  const builder = changelogBuilder({
    keyTypes: keys.map(({ type }) => type),
    keyNames: keys.map(({ name }) => name),
    ...(options.mergeKey && { mergeKeyTypes: namedColumns(table, options.mergeKey).map(({ type }) => type) }),
    expected,
  });
  for (const input of inputs)
    for await (const piece of readInput(input, table, columns)) {
      table.signal.throwIfAborted();
      const { partial } = piece;
      const rows = { ...changeRows(piece.batch, merge, input.file.changes?.stretch ?? 0), partial };
      const chosen = choose?.(rows, input.start + piece.firstRow);
      builder.add(chosen === undefined ? rows : taken(rows, chosen));
    }
  return builder.finish();
}

/** Some of the rows of a batch. */
function taken(rows: ChangeRows, chosen: Int32Array): ChangeRows {
  const { changes, partial, orderUnsent, flagUnsent, keys, oldKeys, order, deleteFlag, mergeKey, boundary } =
    rows;
  const pick = (column: Vector): Vector => takeVector(column, chosen);
  const bits = (bitmap: Uint8Array | undefined): Uint8Array | undefined => {
    if (bitmap === undefined) return undefined;
    const picked = new Uint8Array((chosen.length + 7) >> 3);
    chosen.forEach((row, i) => {
      if (((bitmap[row >> 3]! >> (row & 7)) & 1) === 1) picked[i >> 3]! |= 1 << (i & 7);
    });
    return picked;
  };
  return {
    length: chosen.length,
    keys: keys.map(pick),
    stretch: rows.stretch,
    changes: changes && {
      ops: Uint8Array.from(chosen, (row) => changes.ops[row]!),
      ordinals: takenOrdinals(changes.ordinals, chosen),
    },
    oldKeys: oldKeys?.map(pick),
    partial: bits(partial),
    orderUnsent: bits(orderUnsent),
    flagUnsent: bits(flagUnsent),
    order: order && pick(order),
    deleteFlag: deleteFlag && pick(deleteFlag),
    mergeKey: mergeKey?.map(pick),
    boundary: boundary && pick(boundary),
  };
}

function takenOrdinals(ordinals: BigInt64Array, chosen: Int32Array): BigInt64Array {
  const picked = new BigInt64Array(chosen.length);
  for (let i = 0; i < chosen.length; i++) picked[i] = ordinals[chosen[i]!]!;
  return picked;
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
