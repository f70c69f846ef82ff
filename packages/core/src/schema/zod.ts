import {
  alwaysNull,
  hinted,
  known,
  knownColumns,
  knownField,
  knownList,
  knownLiterals,
  knownMap,
  knownUnion,
  unknownType,
  type KnownType,
} from "./known-type.ts";
import type { ColumnType, Field } from "./types.ts";

/** The part of a zod 4 schema that is read; zod/mini has it too. */
export interface ZodType {
  readonly _zod: { readonly def: ZodDefinition };
}

interface ZodDefinition {
  readonly type: string;
  readonly check?: string;
  readonly format?: string;
  readonly checks?: readonly ZodType[];
  readonly innerType?: ZodType;
  readonly in?: ZodType;
  readonly out?: ZodType;
  readonly shape?: { readonly [name: string]: ZodType };
  readonly element?: ZodType;
  readonly items?: readonly ZodType[];
  readonly rest?: ZodType | null;
  readonly keyType?: ZodType;
  readonly valueType?: ZodType;
  readonly options?: readonly ZodType[];
  readonly left?: ZodType;
  readonly right?: ZodType;
  readonly values?: readonly unknown[];
  readonly entries?: { readonly [name: string]: string | number };
  readonly getter?: () => ZodType;
}

/** The columns of a zod schema of objects; `undefined` for any other. */
export function zodFields(schema: ZodType): readonly Field[] | undefined {
  return knownColumns(walk(schema, []));
}

function walk(schema: ZodType | null | undefined, parents: readonly ZodType[]): KnownType {
  // A schema within itself has no finite type: the rows say how deep it goes.
  if (!schema || parents.includes(schema)) return unknownType;
  return hinted(metadata(schema)?.column, read(schema._zod.def, [...parents, schema]));
}

function read(def: ZodDefinition, parents: readonly ZodType[]): KnownType {
  const of = (inner: ZodType | null | undefined): KnownType => walk(inner, parents);
  const {
    innerType,
    checks = [],
    options = [],
    items = [],
    rest,
    shape = {},
    entries = {},
    values = [],
  } = def;
  switch (def.type) {
    case "string":
    case "template_literal":
      return known({ kind: "string" });
    case "number":
      return known(numberType([def, ...checks.map((check) => check._zod.def)]));
    case "bigint":
      return known(
        def.format === "uint64" ? { kind: "decimal", precision: 20, scale: 0 } : { kind: "int64" },
      );
    case "nan":
      return known({ kind: "float64" });
    case "boolean":
    case "success":
      return known({ kind: "boolean" });
    case "date":
      return known({ kind: "timestamp", zone: "utc" });
    case "null":
    case "undefined":
    case "void":
      return alwaysNull;
    case "literal":
      return knownLiterals(values);
    case "enum":
      return knownLiterals(Object.values(entries));
    case "union":
      return knownUnion(options.map(of));
    case "object":
      return known({
        kind: "struct",
        fields: Object.entries(shape).map(([name, member]) => knownField(name, of(member))),
      });
    case "intersection":
      return both(of(def.left), of(def.right));
    case "array":
      return knownList(of(def.element));
    case "set":
      return knownList(of(def.valueType));
    case "tuple":
      return knownList(knownUnion((rest ? [...items, rest] : items).map(of)));
    case "record":
    case "map":
      return knownMap(of(def.keyType), of(def.valueType));
    case "optional":
    case "nullable":
      return { ...of(innerType), nullable: true };
    case "default":
    case "prefault":
    case "nonoptional":
      // A default takes the place of `undefined`, which an `optional` allowed; a null stays.
      return of(innerType?._zod.def.type === "optional" ? innerType._zod.def.innerType : innerType);
    case "catch":
    case "readonly":
      return of(innerType);
    case "pipe":
      return of(def.out);
    case "lazy":
      return of(def.getter?.());
    default:
      return unknownType;
  }
}

function numberType(definitions: readonly ZodDefinition[]): ColumnType {
  const formats = definitions.filter(({ check }) => check === "number_format").map(({ format }) => format);
  if (formats.includes("int32")) return { kind: "int32" };
  return { kind: formats.includes("safeint") || formats.includes("uint32") ? "int64" : "float64" };
}

function both(a: KnownType, b: KnownType): KnownType {
  const [left, right] = [knownColumns(a), knownColumns(b)];
  if (left === undefined || right === undefined) return unknownType;
  const fields = new Map([...left, ...right].map((field) => [field.name, field]));
  return known({ kind: "struct", fields: [...fields.values()] });
}

interface Registry {
  get(schema: ZodType): { readonly column?: unknown } | undefined;
}

/** zod keeps metadata in one registry for all its copies: https://zod.dev/metadata */
function metadata(schema: ZodType): { readonly column?: unknown } | undefined {
  const { __zod_globalRegistry } = globalThis as { readonly __zod_globalRegistry?: Registry };
  const { meta } = schema as { readonly meta?: () => { readonly column?: unknown } | undefined };
  return __zod_globalRegistry?.get(schema) ?? (typeof meta === "function" ? meta.call(schema) : undefined);
}
