import type { ColumnType, DecimalType, Field } from "@alluvium/core";
import type { ColumnReader, OnSpecial } from "./decode/block.ts";
import { bytesReader } from "./decode/bytes.ts";
import {
  booleanReader,
  int16Reader,
  oidReader,
  uuidReader,
  word32Reader,
  word64Reader,
} from "./decode/fixed.ts";
import { arrayReader, compositeReader } from "./decode/nested.ts";
import { numericReader } from "./decode/numeric.ts";
import { dateReader, timeReader, timestampReader } from "./decode/temporal.ts";
import { identifier } from "./sql.ts";

/** A type as the catalogue describes it. */
export interface PgType {
  readonly oid: number;
  /** As SQL: `interval`, `numeric`, `sales.mood`. */
  readonly name: string;
  /** `pg_type.typtype`: base, composite, domain, enum, range, multirange, pseudo. */
  readonly kind: string;
  /** The element's type, for true arrays. */
  readonly element?: number;
  /** The type under a domain, and its modifier. */
  readonly base?: { readonly type: number; readonly modifier: number };
  /** Attributes of a composite, without dropped ones. */
  readonly attributes?: readonly PgAttribute[];
}

/** An attribute of a composite type. */
export interface PgAttribute {
  readonly name: string;
  readonly type: number;
  readonly modifier: number;
}

/** What to do with values that their column cannot hold. */
export interface TypePolicy {
  readonly numeric: "text" | { readonly precision: number; readonly scale: number };
  readonly special: "null" | "text" | "error";
  readonly arrays: "list" | "text";
}

/** What the decoders of one column call. */
export interface DecodeContext {
  /** NaN, an infinity, or a number or date out of range. */
  readonly onSpecial: OnSpecial;
  /** An array that is no list. */
  readonly onShape: OnSpecial;
}

/** How values of a type are asked for and read. */
export interface TypePlan {
  readonly type: ColumnType;
  /** The SQL that asks for the value; `undefined`: the value itself, in its own binary format. */
  readonly expression: ((value: string) => string) | undefined;
  readonly reader: (context: DecodeContext) => ColumnReader;
}

const string: ColumnType = { kind: "string" };
const asText: TypePlan = {
  type: string,
  expression: (value) => `${value}::text`,
  reader: () => bytesReader(string),
};

function plain(type: ColumnType, reader: (context: DecodeContext) => ColumnReader): TypePlan {
  return { type, expression: undefined, reader };
}

/** Types with a fixed plan, by their fixed object ids (src/include/catalog/pg_type.dat). */
const builtin: ReadonlyMap<number, TypePlan> = new Map([
  [16, plain({ kind: "boolean" }, booleanReader)],
  [17, plain({ kind: "binary" }, () => bytesReader({ kind: "binary" }))],
  [19, plain(string, () => bytesReader(string))], // name
  [20, plain({ kind: "int64" }, () => word64Reader({ kind: "int64" }))],
  [21, plain({ kind: "int16" }, int16Reader)],
  [23, plain({ kind: "int32" }, () => word32Reader({ kind: "int32" }))],
  [25, plain(string, () => bytesReader(string))], // text
  [26, plain({ kind: "int64" }, oidReader)],
  [114, plain({ kind: "json" }, () => bytesReader({ kind: "json" }))],
  [700, plain({ kind: "float32" }, () => word32Reader({ kind: "float32" }))],
  [701, plain({ kind: "float64" }, () => word64Reader({ kind: "float64" }))],
  [1042, plain(string, () => bytesReader(string))], // char(n): the binary format keeps the padding, a cast to text drops it
  [1043, plain(string, () => bytesReader(string))], // varchar
  [1083, plain({ kind: "time" }, timeReader)],
  [2950, plain({ kind: "uuid" }, uuidReader)],
  [3802, plain({ kind: "json" }, () => bytesReader({ kind: "json" }, 1))],
]);

/** Types that have values which their column type does not: the policy decides. */
const withSpecials: ReadonlyMap<number, TypePlan> = new Map([
  [1082, plain({ kind: "date" }, ({ onSpecial }) => dateReader(onSpecial))],
  [1114, timestampPlan("local")],
  [1184, timestampPlan("utc")],
]);

function timestampPlan(zone: "local" | "utc"): TypePlan {
  const type: ColumnType = { kind: "timestamp", zone };
  return plain(type, ({ onSpecial }) => timestampReader(type, onSpecial));
}

const NUMERIC = 1700;

/**
 * How a type's values are read: in its binary format where we know it, as the server's text where we do not. `types` holds every type that
 * is reached from it, except built-in scalars.
 */
export function planType(
  oid: number,
  modifier: number,
  types: ReadonlyMap<number, PgType>,
  policy: TypePolicy,
): TypePlan {
  const known = builtin.get(oid);
  if (known !== undefined) return known;
  const special = withSpecials.get(oid);
  if (special !== undefined) return policy.special === "text" ? asText : special;
  if (oid === NUMERIC) return planNumeric(modifier, policy);
  const type = types.get(oid);
  if (type === undefined) return asText;
  if (type.base !== undefined) return planDomain(type, type.base, modifier, types, policy);
  if (type.kind === "e") return plain(string, () => bytesReader(string));
  if (type.element !== undefined) return planArray(type.element, modifier, types, policy);
  if (type.attributes !== undefined) return planComposite(type.attributes, types, policy);
  return asText;
}

/** The declared digits of a numeric: precision and scale from its modifier; `undefined` for a bare one. */
function numericDigits(modifier: number): { readonly precision: number; readonly scale: number } | undefined {
  if (modifier < 4) return undefined;
  const packed = modifier - 4;
  // The scale is signed, in 11 bits, since PostgreSQL 15 (numeric_typmod_scale).
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
}

function planNumeric(modifier: number, policy: TypePolicy): TypePlan {
  const digits = numericDigits(modifier);
  if (policy.special === "text") return asText;
  if (digits !== undefined) {
    // numeric(2,-3) holds 99000: five digits. numeric(2,5) holds 0.00099: five places.
    const scale = Math.max(0, digits.scale);
    const precision = Math.max(digits.precision + scale - digits.scale, scale);
    if (precision <= 38) return decimalPlan({ kind: "decimal", precision, scale }, false);
  }
  return policy.numeric === "text" ? asText : decimalPlan({ kind: "decimal", ...policy.numeric }, true);
}

function decimalPlan(type: DecimalType, checked: boolean): TypePlan {
  return plain(type, ({ onSpecial }) => numericReader(type, checked, onSpecial));
}

function planDomain(
  domain: PgType,
  base: { readonly type: number; readonly modifier: number },
  modifier: number,
  types: ReadonlyMap<number, PgType>,
  policy: TypePolicy,
): TypePlan {
  const plan = planType(base.type, base.modifier >= 0 ? base.modifier : modifier, types, policy);
  const { expression } = plan;
  const under = types.get(base.type);
  // Members of a domain over a composite type are reached through the composite.
  if (expression === undefined || under?.attributes === undefined) return plan;
  return { ...plan, expression: (value) => expression(`${value}::${under.name}`) };
}

function planArray(
  elementType: number,
  modifier: number,
  types: ReadonlyMap<number, PgType>,
  policy: TypePolicy,
): TypePlan {
  if (policy.arrays === "text") return asText;
  const element = planType(elementType, modifier, types, policy);
  const type: ColumnType = { kind: "list", element: { name: "element", type: element.type, nullable: true } };
  const plan: TypePlan = {
    type,
    expression: undefined,
    reader: (context) => arrayReader(type, element.reader(context), context.onShape),
  };
  if (element.expression === undefined) return plan;
  // A cast reaches every element of an array, but not the members of its composite elements.
  return element.type.kind === "string" ? { ...plan, expression: (value) => `${value}::text[]` } : asText;
}

function planComposite(
  attributes: readonly PgAttribute[],
  types: ReadonlyMap<number, PgType>,
  policy: TypePolicy,
): TypePlan {
  const members = attributes.map((attribute) => planType(attribute.type, attribute.modifier, types, policy));
  if (members.length === 0) return asText;
  const fields = attributes.map(({ name }, i): Field => ({ name, type: members[i]!.type, nullable: true }));
  const type: ColumnType = { kind: "struct", fields };
  const reader = (context: DecodeContext): ColumnReader =>
    compositeReader(
      type,
      members.map((member) => member.reader(context)),
    );
  if (members.every((member) => member.expression === undefined))
    return { type, expression: undefined, reader };
  return {
    type,
    reader,
    expression: (value) => {
      const parts = members.map((member, i) => {
        const part = `(${value}).${identifier(attributes[i]!.name)}`;
        return member.expression === undefined ? part : member.expression(`(${part})`);
      });
      // Not `is null`: that is also true of a composite whose members are all null.
      return `case when ${value} is distinct from null then row(${parts.join(", ")}) end`;
    },
  };
}
