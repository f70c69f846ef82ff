/** A flat row of ten columns, as an API would give it. */
export interface Flat {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly country: string;
  readonly amount: number;
  readonly quantity: number;
  readonly active: boolean;
  readonly created_at: Date;
  readonly note: string | null;
  readonly score: number;
}

/** A nested order: a customer, three lines and tags. */
export interface NestedOrder {
  readonly id: number;
  readonly placed_at: Date;
  readonly customer: {
    readonly id: number;
    readonly name: string;
    readonly email: string;
    readonly city: string;
  };
  readonly items: readonly {
    readonly sku: string;
    readonly quantity: number;
    readonly price: number;
    readonly title: string;
  }[];
  readonly tags: readonly string[];
  readonly total: number;
}

// A small generator of its own (mulberry32), so that a row is the same in each run.
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const countries = ["DE", "US", "GB", "FR", "PL", "SE", "ES", "JP"];
const cities = ["Berlin", "New York", "London", "Paris", "Łódź", "Malmö", "Sevilla", "大阪"];
const words = ["blue", "steel", "cotton", "garden", "lamp", "table", "shoe", "shirt", "bottle", "book"];

export function flatRows(count: number): Flat[] {
  const next = random(1);
  return Array.from({ length: count }, (_, i) => ({
    id: i,
    name: `customer ${Math.floor(next() * 1e6)}`,
    email: `c${i}@example.com`,
    country: countries[Math.floor(next() * 8)]!,
    amount: Math.round(next() * 1e5) / 100 + 0.001,
    quantity: Math.floor(next() * 10),
    active: next() < 0.7,
    created_at: new Date(1_700_000_000_000 + i * 1000),
    note:
      next() < 0.3
        ? null
        : `${words[Math.floor(next() * 10)]} ${words[Math.floor(next() * 10)]} ${Math.floor(next() * 1000)}`,
    score: next(),
  }));
}

export function nestedOrders(count: number): NestedOrder[] {
  const next = random(2);
  const pick = (list: readonly string[]): string => list[Math.floor(next() * list.length)]!;
  return Array.from({ length: count }, (_, i) => ({
    id: i,
    placed_at: new Date(1_700_000_000_000 + i * 1000),
    customer: {
      id: Math.floor(next() * 1e5),
      name: `customer ${Math.floor(next() * 1e6)}`,
      email: `c${i % 9999}@example.com`,
      city: pick(cities),
    },
    items: Array.from({ length: 3 }, () => ({
      sku: `SKU-${Math.floor(next() * 5000)}`,
      quantity: 1 + Math.floor(next() * 4),
      price: Math.round(next() * 1e4) / 100 + 0.001,
      title: `${pick(words)} ${pick(words)}`,
    })),
    tags: [pick(words), pick(words)],
    total: Math.round(next() * 1e5) / 100 + 0.001,
  }));
}
