import { formatScalar } from "../columns/text.ts";
import { AlluviumError } from "../errors.ts";
import type { Duration } from "../resource-options.ts";
import { pointOfText, typeOfText, type Point } from "./order.ts";

/** A distance between two values of a cursor column: a time span, or a number in the column's unit. */
export type Distance = Duration | number | bigint;

const DAY = 86_400_000_000n;

/** The value that lies `lag` below a point. Throws `ALV_CONFIG` where the two do not go together. */
export function pointBelow(point: Point, lag: Distance, column: string): Point {
  const { kind, family, value, text } = point;
  const shown = typeof lag === "object" ? JSON.stringify(lag) : String(lag);
  const refuse = (why: string): AlluviumError =>
    new AlluviumError(
      "ALV_CONFIG",
      `the lag of the cursor column ${JSON.stringify(column)} is ${shown}, but its values are of type ${kind}: ${why}`,
    );
  if (typeof value === "object") throw refuse("only times and numbers have distances. Leave lag out");
  const isNumber = family === "number";
  if (isNumber && typeof lag === "object") throw refuse("give a number");
  if (!isNumber && typeof lag !== "object") throw refuse("give a time span, such as { minutes: 5 }");
  const below =
    typeof lag === "object" ? timeBelow(family, value, spanMicros(lag)) : numberBelow(point, value, lag);
  const shifted = formatScalar(typeOfText(kind, text), below);
  const made = pointOfText(kind, shifted);
  if (made !== undefined) return made;
  throw new AlluviumError("ALV_VALUE_UNREPRESENTABLE", `${shifted} is out of the range of ${kind}`);
}

function timeBelow(family: Point["family"], value: number | bigint, micros: bigint): number | bigint {
  if (family === "date") return Number(value) - Number((micros + DAY - 1n) / DAY);
  const below = BigInt(value) - micros;
  return family === "time" && below < 0n ? 0n : below;
}

function numberBelow({ kind, scale }: Point, value: number | bigint, lag: number | bigint): number | bigint {
  if (typeof value === "bigint")
    return (
      value - (typeof lag === "bigint" ? lag * 10n ** BigInt(scale) : BigInt(Math.ceil(lag * 10 ** scale)))
    );
  return value - (kind.startsWith("float") ? Number(lag) : Math.ceil(Number(lag)));
}

/** A time span in microseconds. */
export function spanMicros(span: Duration): bigint {
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = span;
  const total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
  if (Number.isFinite(total) && total >= 0) return BigInt(Math.round(total * 1000));
  throw new AlluviumError(
    "ALV_CONFIG",
    `${JSON.stringify(span)} is not a time span: its parts are days, hours, minutes, seconds and milliseconds, not negative`,
  );
}
