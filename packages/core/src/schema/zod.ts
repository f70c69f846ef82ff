import {
  hinted,
  known,
  knownField,
  knownList,
  knownLiteral,
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

type Answer = KnownType | "null";

/** The columns of a zod schema of objects; `undefined` for any other. */
export function zodFields(schema: ZodType): readonly Field[] | undefined {
  const answer = walk(schema, []);
  return answer !== "null" && answer.type.kind === "struct" ? answer.type.fields : undefined;
}

function walk(schema: ZodType, parents: readonly ZodType[]): Answer {
  // A schema within itself has no finite type: the rows say how deep it goes.
  if (parents.includes(schema)) return unknownType;
  const column = metadata(schema)?.column;
  const answer = read(schema, [...parents, schema]);
  return column === undefined ? answer : hinted(column, answer === "null" ? unknownType : answer);
}

function read(schema: ZodType, parents: readonly ZodType[]): Answer {
  const { def } = schema._zod;
  const type = (inner: ZodType | undefined | null): KnownType => {
    const answer = inner ? walk(inner, parents) : unknownType;
    return answer === "null" ? unknownType : answer;
  };
  switch (def.type) {
    case "string":
    case "template_literal":
      return known({ kind: "string" });
    case "number":
      return known(numberType([def, ...(def.checks ?? []).map((check) => check._zod.def)]));
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
      return "null";
    case "literal":
      return knownUnion((def.values ?? []).map(knownLiteral));
    case "enum":
      return knownUnion(Object.values(def.entries ?? {}).map(knownLiteral));
    case "union":
      return knownUnion((def.options ?? []).map((option) => walk(option, parents)));
    case "object":
      return known({
        kind: "struct",
        fields: Object.entries(def.shape ?? {}).map(([name, member]) => knownField(name, type(member))),
      });
    case "intersection":
      return both(type(def.left), type(def.right));
    case "array":
      return knownList(type(def.element));
    case "set":
      return knownList(type(def.valueType));
    case "tuple": {
      const items = [...(def.items ?? []), ...(def.rest ? [def.rest] : [])];
      return knownList(knownUnion(items.map((item) => walk(item, parents))));
    }
    case "record":
    case "map":
      return knownMap(type(def.keyType), type(def.valueType));
    case "optional":
    case "nullable":
      return { ...type(def.innerType), nullable: true };
    case "default":
    case "prefault":
    case "nonoptional":
      return withoutUndefined(def.innerType, type);
    case "catch":
    case "readonly":
      return def.innerType ? walk(def.innerType, parents) : unknownType;
    case "pipe":
      return def.out ? walk(def.out, parents) : unknownType;
    case "lazy":
      return def.getter ? walk(def.getter(), parents) : unknownType;
    default:
      return unknownType;
  }
}

/** A default takes the place of `undefined`, which an `optional` allowed; a null stays. */
function withoutUndefined(
  inner: ZodType | undefined,
  type: (schema: ZodType | undefined) => KnownType,
): KnownType {
  const isOptional = inner?._zod.def.type === "optional";
  return type(isOptional ? inner._zod.def.innerType : inner);
}

function numberType(definitions: readonly ZodDefinition[]): ColumnType {
  const formats = definitions.filter(({ check }) => check === "number_format").map(({ format }) => format);
  if (formats.includes("int32")) return { kind: "int32" };
  return { kind: formats.includes("safeint") || formats.includes("uint32") ? "int64" : "float64" };
}

function both(a: KnownType, b: KnownType): KnownType {
  if (a.type.kind !== "struct" || b.type.kind !== "struct") return unknownType;
  const fields = new Map([...a.type.fields, ...b.type.fields].map((field) => [field.name, field]));
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
