import { AlluviumError } from "../errors.ts";
import { formatScalar } from "../columns/text.ts";
import type { Duration } from "../resource-options.ts";
import type { ColumnType } from "../schema/types.ts";
import { pointOfText, type Point } from "./order.ts";

/** A distance between two values of a cursor column: a time span, or a number in the column's unit. */
export type Distance = Duration | number | bigint;

const DAY = 86_400_000_000n;

/** The value that lies `lag` below a point. Throws `ALV_CONFIG` where the two do not go together. */
export function pointBelow(point: Point, lag: Distance, column: string): Point {
  const { kind, family, value } = point;
  const refuse = (why: string): AlluviumError =>
    new AlluviumError(
      "ALV_CONFIG",
      `the lag of the cursor column ${JSON.stringify(column)} is ${typeof lag === "object" ? JSON.stringify(lag) : String(lag)}, but its values are of type ${kind}: ${why}`,
    );
  if (typeof value === "object") throw refuse("only times and numbers have distances. Leave lag out");
  if (family === "number") {
    if (typeof lag === "object") throw refuse("give a number");
    return numberBelow(point, value, lag);
  }
  if (typeof lag !== "object") throw refuse("give a time span, such as { minutes: 5 }");
  const micros = microsOf(lag);
  if (family === "date") {
    const days = Number((micros + DAY - 1n) / DAY);
    return made({ kind: "date" }, formatScalar({ kind: "date" }, Number(value) - days));
  }
  if (family === "time") {
    const at = BigInt(value) - micros;
    return made({ kind: "time" }, formatScalar({ kind: "time" }, at < 0n ? 0n : at));
  }
  const type: ColumnType = { kind: "timestamp", zone: point.text.endsWith("Z") ? "utc" : "local" };
  return made(type, formatScalar(type, BigInt(value) - micros));
}

function numberBelow(point: Point, value: number | bigint, lag: number | bigint): Point {
  if (typeof value === "bigint" && point.scale > 0) {
    const unscaled = value - BigInt(Math.ceil(Number(lag) * 10 ** point.scale));
    const type: ColumnType = { kind: "decimal", precision: 38, scale: point.scale };
    return made(type, formatScalar(type, unscaled));
  }
  const below =
    typeof value === "bigint" || point.kind !== "float64"
      ? BigInt(value) - BigInt(typeof lag === "bigint" ? lag : Math.ceil(lag))
      : value - Number(lag);
  return made({ kind: point.kind } as ColumnType, String(below));
}

/** A time span in microseconds. */
function microsOf(span: Duration): bigint {
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = span;
  const total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
  if (Number.isFinite(total) && total >= 0) return BigInt(Math.round(total * 1000));
  throw new AlluviumError(
    "ALV_CONFIG",
    `${JSON.stringify(span)} is not a time span: its parts are days, hours, minutes, seconds and milliseconds, not negative`,
  );
}

function made(type: ColumnType, text: string): Point {
  const point = pointOfText(type.kind, text);
  if (point !== undefined) return point;
  throw new AlluviumError("ALV_VALUE_UNREPRESENTABLE", `${text} is out of the range of ${type.kind}`);
}
