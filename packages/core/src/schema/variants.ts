import { hash } from "node:crypto";
import type { Capabilities } from "../destination.ts";
import { sameType } from "./equal.ts";
import type { ColumnType, Field } from "./types.ts";
import { widenTypes } from "./widen.ts";

/** How the names of a table's variant columns are told from those of its other columns. */
export interface VariantNames {
  /** Bytes that a name may have. @default no limit */
  readonly maxLength?: number | undefined;
  /** Names that differ in case only are one. @default false */
  readonly foldCase?: boolean | undefined;
  /** Whether a column of the table is one of the source's, whatever it is called. @default none is */
  readonly isReal?: ((column: string) => boolean) | undefined;
}

const PATTERN =
  /^(.+)__v_(boolean|int8|int16|int32|int64|float32|float64|decimal|string|binary|date|time|timestamp|uuid|json)(?:_\d+)?$/;

/** Bytes of the longest ending: `__v_timestamp_99`. */
const ENDING = 16;

/** Of each variant column among `fields` the column whose values it takes where they do not fit there. */
export function variantsOf(fields: readonly Field[], names: VariantNames = {}): ReadonlyMap<string, string> {
  const variants = new Map<string, string>();
  let owners: Map<string, string> | undefined;
  for (const { name } of fields) {
    const stem = PATTERN.exec(name)?.[1];
    if (stem === undefined || names.isReal?.(name) === true) continue;
    owners ??= new Map(fields.map((field) => [folded(stemOf(field.name, names), names), field.name]));
    const owner = owners.get(folded(stem, names));
    if (owner !== undefined) variants.set(name, owner);
  }
  return variants;
}

/** What {@link variantFor} chooses from. */
export interface VariantChoice extends VariantNames {
  /** The columns of the table as it stands, or the members of the struct. */
  readonly fields: readonly Field[];
  /** Those that are committed, with the types that they are committed with. */
  readonly committed: readonly Field[];
  readonly storedType: Capabilities["storedType"];
  readonly widens?: Capabilities["widens"];
}

/**
 * The name of the variant column for values of `type` that `owner` does not hold: one that is there and holds them, or can be widened so that
 * it does, or a new one: `total__v_float64`. Where that is a column of the source, or a variant that is committed with a type which is too
 * narrow, a number follows: `total__v_decimal_2`.
 */
export function variantFor(owner: string, type: ColumnType, choice: VariantChoice): string {
  const { fields, committed, storedType, widens } = choice;
  const stored = storedType(type);
  const fixed = new Map(committed.map((field) => [folded(field.name, choice), field.type]));
  const takes = (variant: Field): boolean => {
    const kind = kindOf(variant.name);
    if (kind !== type.kind && !(isNumber(kind) && isNumber(type.kind))) return false;
    const wide = widenTypes(variant.type, stored);
    if (wide === undefined || !holdsAll(wide, variant.type) || !holdsAll(wide, stored)) return false;
    const known = fixed.get(folded(variant.name, choice)) ?? { kind: "null" };
    return sameType(wide, variant.type) || known.kind === "null" || widens?.(variant.type, wide) === true;
  };
  const variants = variantsOf(fields, choice);
  const found = fields.find((field) => variants.get(field.name) === owner && takes(field));
  if (found !== undefined) return found.name;
  const taken = new Set(fields.map(({ name }) => folded(name, choice)));
  const base = `${stemOf(owner, choice)}__v_${type.kind}`;
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}_${n}`;
    if (!taken.has(folded(name, choice)) && choice.isReal?.(name) !== true) return name;
  }
}

/** The part of a variant's name that says whose it is: the column's name, or where that is too long its beginning and a hash of it. */
function stemOf(owner: string, { maxLength = Infinity }: VariantNames): string {
  const room = maxLength - ENDING;
  if (Buffer.byteLength(owner) <= room) return owner;
  const digest = `_${hash("sha256", owner).slice(0, 8)}`;
  let start = owner;
  while (Buffer.byteLength(start) > room - digest.length && start !== "")
    start = Array.from(start).slice(0, -1).join("");
  return start + digest;
}

function folded(name: string, { foldCase }: VariantNames): string {
  return foldCase === true ? name.toLowerCase() : name;
}

function kindOf(variant: string): string | undefined {
  return PATTERN.exec(variant)?.[2];
}

function isNumber(kind: string | undefined): boolean {
  return kind !== undefined && /^(?:int|float|decimal)/.test(kind);
}

/** Whether every value of `type` has an exact form in the wider `wide`: 64-bit integers and decimals have none as floats. */
function holdsAll(wide: ColumnType, { kind }: ColumnType): boolean {
  return !wide.kind.startsWith("float") || (kind !== "int64" && kind !== "decimal");
}
