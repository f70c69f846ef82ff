import { weighted } from "./distributions.ts";
import type { Life } from "./life.ts";
import type { WorldSettings } from "./options.ts";
import { places, type Place, type Pools } from "./pools.ts";
import { drawsFor } from "./random.ts";

/** A customer; times in ms since 1970, `birthDay` in days. */
export interface Customer {
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly place: Place;
  readonly city: string;
  readonly tier: string;
  readonly optIn: boolean;
  readonly birthDay: number | undefined;
  readonly attributes: string;
  readonly createdAt: number;
}

const TIERS = ["standard", "silver", "gold"];
const CHANNELS = ["organic", "search_ads", "social", "referral", "email"];

/** Makes customers from their numbers. */
export function createPeople(
  settings: WorldSettings,
  pools: Pools,
  life: Life,
): (customer: number) => Customer {
  const names = drawsFor(settings.seed, "customer.name");
  const facts = drawsFor(settings.seed, "customer.facts");
  const place = weighted(places.map(({ share }) => share));
  const tier = weighted([80, 15, 5]);
  return (customer) => {
    const firstName = pools.firstNames[names.below(customer, pools.firstNames.length)]!;
    const lastName = pools.lastNames[names.below(customer, pools.lastNames.length, 1)]!;
    const where = places[place(facts.unit(customer))]!;
    const local = `${firstName}.${lastName}`.toLowerCase().replace(/[^a-z.]/g, "");
    return {
      // The number makes it unique; the domain is reserved and reaches nobody (RFC 2606).
      email: `${local}.${customer + 1}@example.com`,
      firstName,
      lastName,
      place: where,
      city: where.cities[facts.below(customer, where.cities.length, 1)]!,
      tier: TIERS[tier(facts.unit(customer, 2))]!,
      optIn: facts.unit(customer, 3) < 0.42,
      birthDay:
        facts.unit(customer, 4) < 0.7 ? Math.floor(-5_000 + facts.unit(customer, 5) * 18_000) : undefined,
      attributes: JSON.stringify({
        channel: CHANNELS[facts.below(customer, CHANNELS.length, 6)],
        locale: `${where.country === "US" || where.country === "GB" ? "en" : where.country.toLowerCase()}-${where.country}`,
        ...(facts.unit(customer, 7) < 0.3
          ? { referrer: facts.below(customer, settings.customers, 8) + 1 }
          : {}),
      }),
      createdAt: life.birth(customer),
    };
  };
}
