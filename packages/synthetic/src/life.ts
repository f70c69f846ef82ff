import type { Calendar } from "./calendar.ts";
import { exponential, gamma } from "./distributions.ts";
import type { WorldSettings } from "./options.ts";
import { drawsFor } from "./random.ts";

/**
 * When customers come and buy: Pareto/NBD (Schmittlein, Morrison, Colombo 1987) in shop time. A customer's rate and lifetime are fixed at
 * birth and independent of the purchases, so a whole life is a short pure chain, and any slice of time is a replay, not stored state.
 */
export interface Life {
  /** When a customer signs up (ms since 1970). */
  birth(customer: number): number;
  /** Calls `visit` for each order of a customer placed at or before `until`, in order; `k` numbers them from 0. */
  orders(customer: number, until: number, visit: (k: number, placedAt: number) => void): void;
}

/** Orders per customer are bounded so that an order's number fits beside its customer's. */
export const ORDERS_PER_CUSTOMER = 4096;

/** Gamma distributions of purchases and deaths per week over the customers; they reproduce the repeat purchases of the CDNOW record. */
const RATE = { shape: 0.55, weeks: 10.6 };
const DEATH = { shape: 0.61, weeks: 11.7 };

export function createLife(settings: WorldSettings, calendar: Calendar): Life {
  const births = drawsFor(settings.seed, "customer.birth");
  const latent = drawsFor(settings.seed, "customer.latent");
  const gaps = drawsFor(settings.seed, "order.gap");
  const rateOf = gamma(RATE.shape, RATE.weeks);
  const deathOf = gamma(DEATH.shape, DEATH.weeks);
  const opened = calendar.operational(settings.from);
  const closed = calendar.operational(settings.to);

  const birthDay = (customer: number): number => opened + (closed - opened) * births.unit(customer);
  return {
    birth: (customer) => calendar.calendar(birthDay(customer)),
    orders(customer, until, visit) {
      const end = calendar.operational(until);
      let day = birthDay(customer);
      if (day > end) return;
      const rate = rateOf(latent.unit(customer, 0)) / 7;
      const lifetime = exponential(latent.unit(customer, 1)) / (deathOf(latent.unit(customer, 2)) / 7);
      const last = Math.min(end, day + lifetime);
      // The first order follows the sign-up within half an hour.
      const first = calendar.calendar(day) + 60_000 + Math.floor(latent.unit(customer, 3) * 1_740_000);
      if (first > until) return;
      visit(0, first);
      for (let k = 1; k < ORDERS_PER_CUSTOMER; k++) {
        day += exponential(gaps.unit(customer * ORDERS_PER_CUSTOMER + k)) / rate;
        if (day > last) return;
        const placed = calendar.calendar(day);
        if (placed > first) visit(k, placed);
      }
    },
  };
}
