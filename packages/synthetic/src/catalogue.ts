import { lognormal, weighted } from "./distributions.ts";
import type { WorldSettings } from "./options.ts";
import { categories, type Pools } from "./pools.ts";
import { drawsFor } from "./random.ts";

/** The products: what they are, what they cost (cents), and how often they are bought. */
export interface Catalogue {
  readonly size: number;
  /** Picks a product by popularity: lognormal weights of deviation 1.15, as fitted to a public retail record. */
  pick(unit: number): number;
  price(product: number): number;
  describe(product: number): Product;
}

/** A product; money in cents, times in ms since 1970. */
export interface Product {
  readonly sku: string;
  readonly title: string;
  readonly brand: string;
  readonly category: string;
  readonly price: number;
  readonly cost: number;
  readonly weight: number;
  readonly attributes: string;
  readonly active: boolean;
  readonly launchedAt: number;
}

const DAY = 86_400_000;

export function createCatalogue(settings: WorldSettings, pools: Pools): Catalogue {
  const { seed, products } = settings;
  const weight = drawsFor(seed, "product.popularity");
  const money = drawsFor(seed, "product.price");
  const words = drawsFor(seed, "product.words");
  const facts = drawsFor(seed, "product.facts");
  const popularity = lognormal(0, 1.15);
  const pick = weighted(
    Float64Array.from({ length: products }, (_, index) => popularity(weight.unit(index))),
  );
  const amount = lognormal(Math.log(2400), 0.9);
  // Prices end in 99, 95 or 00, as prices do.
  const price = (product: number): number => {
    const euros = Math.max(2, Math.round(amount(money.unit(product)) / 100));
    return euros * 100 - [1, 5, 0][money.below(product, 3, 1)]!;
  };
  return {
    size: products,
    pick,
    price,
    describe(product) {
      const category = categories[words.below(product, categories.length)]!;
      const adjective = pools.adjectives[words.below(product, pools.adjectives.length, 1)]!;
      const material = pools.materials[words.below(product, pools.materials.length, 2)]!;
      const thing = pools.things[words.below(product, pools.things.length, 3)]!;
      const grams = 50 + facts.below(product, 4_950);
      return {
        sku: `${category.slice(0, 3).toUpperCase()}-${String(product + 1).padStart(6, "0")}`,
        title: `${adjective} ${material} ${thing}`,
        brand: pools.brands[words.below(product, pools.brands.length, 4)]!,
        category,
        price: price(product),
        cost: Math.round(price(product) * (0.4 + 0.3 * money.unit(product, 2))),
        weight: grams,
        attributes: JSON.stringify({
          material: material.toLowerCase(),
          warranty_months: [0, 12, 24, 36][facts.below(product, 4, 1)],
          dimensions: { w: 5 + facts.below(product, 60, 2), h: 5 + facts.below(product, 60, 3) },
        }),
        active: facts.unit(product, 4) > 0.03,
        launchedAt: settings.from - Math.floor(facts.unit(product, 5) * 900 * DAY),
      };
    },
  };
}
