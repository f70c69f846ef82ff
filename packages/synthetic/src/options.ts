import { AlluviumError } from "@alluvium/core";

/** What a world is made of. The same options make the same rows, on every machine, in any order. */
export interface WorldOptions {
  /** @default 1 */
  readonly seed?: number;
  /** How many customers there are in the end. @default 20 000 */
  readonly customers?: number;
  /** How many products. @default 2 000 */
  readonly products?: number;
  /** When the shop opened. @default 2025-01-01T00:00:00Z */
  readonly from?: Date;
  /** Until when customers are won. Later times are allowed everywhere; the shop then lives from those it has. @default two years after `from` */
  readonly to?: Date;
}

/** The options with every default filled in, times in ms since 1970. */
export interface WorldSettings {
  readonly seed: number;
  readonly customers: number;
  readonly products: number;
  readonly from: number;
  readonly to: number;
}

const TWO_YEARS = 730 * 86_400_000;

/** Fills in defaults and refuses what makes no world. */
export function settle(options: WorldOptions): WorldSettings {
  const from = (options.from ?? new Date("2025-01-01T00:00:00Z")).getTime();
  const to = options.to?.getTime() ?? from + TWO_YEARS;
  const { seed = 1, customers = 20_000, products = 2_000 } = options;
  const bad = (name: string, value: unknown, wanted: string): never => {
    throw new AlluviumError("ALV_CONFIG", `createWorld: ${name} is ${String(value)}, wanted ${wanted}`);
  };
  if (!Number.isSafeInteger(seed) || seed < 0) bad("seed", seed, "a whole number from 0 on");
  if (!Number.isSafeInteger(customers) || customers < 1 || customers > 2 ** 32)
    bad("customers", customers, "1 to 2^32");
  if (!Number.isSafeInteger(products) || products < 1 || products > 10_000_000)
    bad("products", products, "1 to 10 000 000");
  if (!(from >= Date.UTC(2015, 0, 1)) || !(to <= Date.UTC(2044, 0, 1)))
    bad("from or to", `${from}–${to}`, "times from 2015 to 2043");
  if (!(to > from)) bad("to", new Date(to).toISOString(), "a time after from");
  return { seed, customers, products, from, to };
}
