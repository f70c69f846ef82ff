import { AlluviumError } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";

/** Refuses options of a format that are no object, or that there are not (`ALV_CONFIG`). */
export function checkNames(format: string, options: unknown, names: readonly string[]): void {
  const refused = (why: string): AlluviumError =>
    new AlluviumError("ALV_CONFIG", `${format}: ${why}`, { step: "open" });
  if (typeof options !== "object" || options === null)
    throw refused(`the options must be an object of ${names.join(", ")}, not ${describeValue(options)}`);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw refused(`there is no option ${unknown}; there are ${names.join(", ")}`);
}
