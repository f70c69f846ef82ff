import { ChangeOp, type Batch } from "../columns/batch.ts";
import type { ColumnType, Field } from "../schema/types.ts";
import { vectorOf } from "../columns/values.ts";

/** One change in user form. */
export interface ChangeSpelling {
  /** @default "insert" */
  readonly op?: keyof typeof ChangeOp;
  /** The row's values; of a delete its key. */
  readonly row?: Readonly<Record<string, unknown>>;
  /** Whether columns that `row` does not name were not sent; else they are null. @default false */
  readonly partial?: boolean;
  /** The key that the row had before. */
  readonly old?: Readonly<Record<string, unknown>>;
  /** @default one more than that of the change before */
  readonly ordinal?: bigint;
}

/** Changes as a batch, for tests: `types` are the table's columns, `first` the ordinal of the first change. */
export function changeBatch(
  types: Readonly<Record<string, ColumnType>>,
  changes: readonly ChangeSpelling[],
  first = 0n,
): Batch {
  const { length } = changes;
  const fields = Object.entries(types).map(([name, type]): Field => ({ name, type, nullable: true }));
  const keys = fields.filter(({ name }) => changes.some(({ old }) => old !== undefined && name in old));
  const ordinals = new BigInt64Array(length);
  let next = first;
  for (const [i, { ordinal = next }] of changes.entries()) {
    ordinals[i] = ordinal;
    next = ordinal + 1n;
  }
  const isUnsent = ({ partial, row, op }: ChangeSpelling, name: string): boolean =>
    partial === true && op !== "delete" && op !== "truncate" && !(name in (row ?? {}));
  const column = ({ name, type }: Field, part: "row" | "old") =>
    vectorOf(
      type,
      changes.map((change) => change[part]?.[name] ?? null),
    );
  return {
    schema: { fields },
    length,
    columns: fields.map((field) => column(field, "row")),
    changes: {
      ops: Uint8Array.from(changes, ({ op = "insert" }) => ChangeOp[op]),
      ordinals,
      ...(keys.length > 0 && {
        oldKeys: { schema: { fields: keys }, length, columns: keys.map((field) => column(field, "old")) },
      }),
      ...(changes.some(({ partial }) => partial) && {
        unchanged: fields.map(({ name }) => {
          const bits = new Uint8Array((length + 7) >> 3);
          for (const [i, change] of changes.entries())
            if (isUnsent(change, name)) bits[i >> 3]! |= 1 << (i & 7);
          return bits.some((byte) => byte !== 0) ? bits : undefined;
        }),
      }),
    },
  };
}
