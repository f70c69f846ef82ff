import type { ColumnType, Json } from "@alluvium/core";
import { codeOf, typeOf } from "./type-code.ts";

/** What the files of a table tell of those that come later. */
export interface Learned {
  /** Whether files have a header; `undefined` where none was read. */
  readonly hasHeader: boolean | undefined;
  /** The types of the columns by name, of kind `null` where none is known. */
  readonly types: ReadonlyMap<string, ColumnType>;
}

/** As JSON; `undefined` where there is nothing to know. */
export function encodeLearned({ hasHeader, types }: Learned): Json | undefined {
  if (hasHeader === undefined && types.size === 0) return undefined;
  return {
    ...(hasHeader !== undefined && { header: hasHeader }),
    types: Object.fromEntries(Array.from(types, ([name, type]) => [name, codeOf(type)])),
  };
}

/** What {@link encodeLearned} made; before headers were kept it was the types alone. */
export function decodeLearned(json: Json | undefined): Learned {
  const stored = (json ?? {}) as { readonly [name: string]: Json };
  const isTypes = typeof stored["types"] !== "object";
  const codes = (isTypes ? stored : stored["types"]) as { readonly [name: string]: string };
  return {
    hasHeader: isTypes ? undefined : (stored["header"] as boolean | undefined),
    types: new Map(Object.entries(codes).map(([name, code]) => [name, typeOf(code)])),
  };
}
