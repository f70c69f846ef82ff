import { lognormal, weighted } from "./distributions.ts";
import { ORDERS_PER_CUSTOMER } from "./life.ts";
import type { Catalogue } from "./catalogue.ts";
import { drawsFor } from "./random.ts";

/** One order with its lines and payments, as they are in the end; `orderAt` says what is true of it at a time. */
export interface Order {
  readonly id: number;
  readonly customer: number;
  readonly placedAt: number;
  readonly channel: string;
  readonly coupon: string | undefined;
  readonly lines: readonly OrderLine[];
  readonly payments: readonly Payment[];
  /** Money in cents. */
  readonly subtotal: number;
  readonly discount: number;
  readonly shipping: number;
  readonly total: number;
  readonly paidAt: number;
  readonly cancelledAt: number | undefined;
  readonly shippedAt: number;
  readonly deliveredAt: number;
}

/** A line of an order; money in cents. */
export interface OrderLine {
  readonly product: number;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly discount: number;
}

/** An attempt to pay. */
export interface Payment {
  readonly attempt: number;
  readonly method: string;
  readonly status: "captured" | "declined";
  readonly amount: number;
  readonly cardBrand: string | undefined;
  readonly last4: string | undefined;
  readonly declineCode: string | undefined;
  readonly at: number;
}

/** State of an order at a time, and since when. */
export interface OrderState {
  readonly status: "placed" | "paid" | "shipped" | "delivered" | "cancelled";
  readonly since: number;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
const LINE_COUNT = [
  55, 20, 10, 6, 3.4, 2, 1.2, 0.8, 0.5, 0.35, 0.25, 0.15, 0.1, 0.07, 0.05, 0.04, 0.03, 0.02, 0.02, 0.01,
];
const CHANNELS = ["mobile", "desktop", "app", "tablet"];
const METHODS = ["wallet", "card", "bank_transfer", "pay_later"];
const BRANDS = ["visa", "mastercard", "amex", "discover"];
const DECLINES = ["insufficient_funds", "do_not_honor", "expired_card", "suspected_fraud"];

/** Order numbers hold the customer's number, so that a child finds its parent by arithmetic. Customers and orders count from 0, ids from 1. */
function orderId(customer: number, k: number): number {
  return customer * ORDERS_PER_CUSTOMER + k + 1;
}

/** Makes orders from their place in a customer's life. */
export function orderMaker(
  seed: number,
  catalogue: Catalogue,
): (customer: number, k: number, placedAt: number) => Order {
  const shape = drawsFor(seed, "order.shape");
  const line = drawsFor(seed, "order.line");
  const pay = drawsFor(seed, "order.payment");
  const times = drawsFor(seed, "order.times");
  const lineCount = weighted(LINE_COUNT);
  const quantity = weighted([82, 12, 4, 2]);
  const channel = weighted([52, 31, 15, 2]);
  const method = weighted([53, 32, 9, 6]);
  const brand = weighted([52, 34, 9, 5]);
  const transit = lognormal(Math.log(3.5), 0.57);

  return (customer, k, placedAt) => {
    const id = orderId(customer, k);
    const lines: OrderLine[] = [];
    const count = 1 + lineCount(shape.unit(id, 0));
    let subtotal = 0;
    let discount = 0;
    for (let i = 0; i < count; i++) {
      const product = catalogue.pick(line.unit(id, 4 * i));
      const bought = 1 + quantity(line.unit(id, 4 * i + 1));
      const unitPrice = catalogue.price(product);
      const cut = line.unit(id, 4 * i + 2) < 0.15 ? Math.round((unitPrice * bought) / 10) : 0;
      lines.push({ product, quantity: bought, unitPrice, discount: cut });
      subtotal += unitPrice * bought;
      discount += cut;
    }
    const shipping = subtotal - discount >= 5_000 ? 0 : 495;
    const total = subtotal - discount + shipping;

    const payments: Payment[] = [];
    let at = placedAt + MINUTE + Math.floor(times.unit(id, 0) * 4 * MINUTE);
    for (let attempt = 1; attempt <= 3; attempt++) {
      const how = METHODS[method(pay.unit(id, 8 * attempt))]!;
      const card = how === "card";
      const declined = attempt < 3 && pay.unit(id, 8 * attempt + 1) < 0.065;
      payments.push({
        attempt,
        method: how,
        status: declined ? "declined" : "captured",
        amount: total,
        cardBrand: card ? BRANDS[brand(pay.unit(id, 8 * attempt + 2))]! : undefined,
        last4: card ? String(pay.below(id, 10_000, 8 * attempt + 3)).padStart(4, "0") : undefined,
        declineCode: declined ? DECLINES[pay.below(id, DECLINES.length, 8 * attempt + 4)]! : undefined,
        at,
      });
      if (!declined) break;
      at += MINUTE + Math.floor(times.unit(id, attempt) * 9 * MINUTE);
    }
    const shippedAt = at + Math.floor((0.3 + 1.4 * times.unit(id, 4)) * DAY);
    return {
      id,
      customer,
      placedAt,
      channel: CHANNELS[channel(shape.unit(id, 1))]!,
      coupon: shape.unit(id, 2) < 0.12 ? `SAVE${5 * (1 + shape.below(id, 4, 3))}` : undefined,
      lines,
      payments,
      subtotal,
      discount,
      shipping,
      total,
      paidAt: at,
      cancelledAt:
        times.unit(id, 5) < 0.012 ? at + Math.floor((shippedAt - at) * 0.8 * times.unit(id, 6)) : undefined,
      shippedAt,
      deliveredAt: shippedAt + Math.floor(transit(times.unit(id, 7)) * DAY),
    };
  };
}

/** What is true of an order at `time`. */
export function orderAt(order: Order, time: number): OrderState {
  if (order.cancelledAt !== undefined && order.cancelledAt <= time)
    return { status: "cancelled", since: order.cancelledAt };
  const cancelled = order.cancelledAt !== undefined;
  if (!cancelled && order.deliveredAt <= time) return { status: "delivered", since: order.deliveredAt };
  if (!cancelled && order.shippedAt <= time) return { status: "shipped", since: order.shippedAt };
  if (order.paidAt <= time) return { status: "paid", since: order.paidAt };
  return { status: "placed", since: order.placedAt };
}
