import { AlluviumError } from "@alluvium/core";
import { checkNames } from "../format-options.ts";
import type { Nanoseconds } from "./leaf.ts";

/** Options of {@link avro}. */
export interface AvroOptions {
  /**
   * What becomes of times in nanoseconds that lie between two microseconds, the finest that columns hold: `refuse` refuses the row, `floor` takes the
   * microsecond below.
   * @default "refuse"
   */
  readonly nanoseconds?: "refuse" | "floor";
}

/** Throws `ALV_CONFIG` naming the option. */
export function checkAvro(options: AvroOptions): { readonly nanoseconds: Nanoseconds } {
  checkNames("avro", options, ["nanoseconds"]);
  const { nanoseconds = "refuse" } = options;
  if (nanoseconds === "refuse" || nanoseconds === "floor") return { nanoseconds };
  throw new AlluviumError(
    "ALV_CONFIG",
    `avro: nanoseconds is ${JSON.stringify(nanoseconds)}; it must be "refuse" or "floor"`,
    { step: "open" },
  );
}
