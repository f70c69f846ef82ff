import type { Schema } from "@alluvium/core";
import { parseJson, type Batch } from "@alluvium/core/columns";
import type { Codec } from "../text/codec.ts";
import type { TextFormat } from "../text/format.ts";
import { jsonValueReader, restoredValue } from "../text/json-value.ts";

/** JSON lines, one object a row with all of the columns, nulls included. */
export function jsonLinesFormat(codec: Codec): TextFormat {
  return {
    name: "jsonl",
    title: "JSON lines",
    codec,
    dialect: {},
    head: () => "",
    rows: objectWriter,
    parse: parseObjects,
  };
}

function objectWriter({ schema, columns }: Batch): (from: number, to: number) => string {
  const readers = columns.map(jsonValueReader);
  const names = schema.fields.map(({ name }, i) => `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`);
  return (from, to) => {
    let text = "";
    for (let row = from; row < to; row++) {
      for (let i = 0; i < readers.length; i++) text += names[i]! + readers[i]!(row);
      text += readers.length === 0 ? "{}\n" : "}\n";
    }
    return text;
  };
}

async function* parseObjects(text: AsyncIterable<string>, schema: Schema): AsyncGenerator<object> {
  for await (const line of linesOf(text)) {
    const row = parseJson(line) as Readonly<Record<string, unknown>>;
    yield Object.fromEntries(
      schema.fields.map(({ name, type }) => [
        name,
        restoredValue(type, Object.hasOwn(row, name) ? row[name] : null),
      ]),
    );
  }
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of text) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
