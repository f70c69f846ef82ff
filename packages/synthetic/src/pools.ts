import { faker } from "@faker-js/faker/locale/en";

/**
 * The words that rows are made of. faker serves only here, as a collection of words, and only once: its own random numbers are
 * neither stable per row nor fast.
 */
export interface Pools {
  readonly firstNames: readonly string[];
  readonly lastNames: readonly string[];
  readonly adjectives: readonly string[];
  readonly materials: readonly string[];
  readonly things: readonly string[];
  readonly brands: readonly string[];
}

/** A country with a share of the customers and cities that lie in it. */
export interface Place {
  readonly country: string;
  readonly currency: string;
  readonly share: number;
  readonly cities: readonly string[];
}

export const places: readonly Place[] = [
  {
    country: "US",
    currency: "USD",
    share: 38,
    cities: ["New York", "Chicago", "Austin", "Seattle", "Denver", "Atlanta", "Boston", "Portland"],
  },
  {
    country: "DE",
    currency: "EUR",
    share: 17,
    cities: ["Berlin", "Hamburg", "München", "Köln", "Leipzig", "Düsseldorf"],
  },
  { country: "GB", currency: "GBP", share: 14, cities: ["London", "Leeds", "Bristol", "Glasgow", "Cardiff"] },
  { country: "FR", currency: "EUR", share: 10, cities: ["Paris", "Lyon", "Nantes", "Besançon", "Orléans"] },
  { country: "PL", currency: "PLN", share: 6, cities: ["Warszawa", "Kraków", "Łódź", "Gdańsk"] },
  { country: "SE", currency: "SEK", share: 5, cities: ["Stockholm", "Göteborg", "Malmö", "Umeå"] },
  { country: "ES", currency: "EUR", share: 6, cities: ["Madrid", "Málaga", "A Coruña", "València"] },
  { country: "JP", currency: "JPY", share: 4, cities: ["東京", "大阪", "札幌", "福岡"] },
];

export const categories: readonly string[] = [
  "apparel",
  "shoes",
  "electronics",
  "beauty",
  "home",
  "garden",
  "jewellery",
  "books",
  "sports",
  "toys",
];

/** Builds the pools; a few milliseconds. */
export function createPools(): Pools {
  const { definitions } = faker;
  const { first_name, last_name } = definitions.person;
  const { adjective, material, product } = definitions.commerce.product_name;
  const lastNames = [...(last_name.generic ?? [])];
  return {
    firstNames: [
      ...new Set([...(first_name.female ?? []), ...(first_name.male ?? []), ...(first_name.generic ?? [])]),
    ],
    lastNames,
    adjectives: [...adjective],
    materials: [...material],
    things: [...product],
    brands: lastNames.slice(0, 120),
  };
}
