import { describeType } from "./describe.ts";
import type { SchemaChange } from "./schema-change.ts";

/** A change for people, in one line: `+` new, `~` changed, `-` gone. */
export function changeLine(change: SchemaChange): string {
  switch (change.kind) {
    case "tableCreated":
      return "+ a new table";
    case "dispositionChanged":
      return `~ ${change.from} → ${change.to}`;
    case "columnAdded":
      return `+ ${change.column} ${describeType(change.type)}`;
    case "columnBound":
      return `~ ${change.column} null → ${describeType(change.type)}`;
    case "columnWidened":
      return `~ ${change.column} ${describeType(change.from)} → ${describeType(change.to)}`;
    case "variantAdded":
      return `+ ${change.variant} ${describeType(change.type)}, for values that ${change.column} does not hold`;
    case "columnMissing":
      return `- ${change.column}, gone at the source: stays, and is null`;
  }
}
