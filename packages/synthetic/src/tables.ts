import { ChangeOp } from "@alluvium/core/columns";
import type { ColumnType, Field, Schema } from "@alluvium/core";
import type { Catalogue } from "./catalogue.ts";
import type { Life } from "./life.ts";
import { orderAt, type Order } from "./order.ts";
import type { Customer } from "./people.ts";
import type { Cell } from "./rows.ts";

/** Names of the shop's tables, parents first. */
export type TableName = "customers" | "products" | "orders" | "order_items" | "payments";

/** How a table's rows are made. */
export interface TableModel {
  readonly schema: Schema;
  readonly primaryKey: readonly string[];
  /** The column by which new rows are found; `undefined` where rows change in place. */
  readonly cursor: string | undefined;
  /** Rows are made per owner: a product, or a customer with all that is theirs. Owners count from 0. */
  readonly owners: number;
  /** Emits what of `owner` exists at `until` and was inserted or updated after `after`. */
  emit(owner: number, after: number, until: number, put: (op: number, cells: readonly Cell[]) => void): void;
}

const int16: ColumnType = { kind: "int16" };
const int32: ColumnType = { kind: "int32" };
const int64: ColumnType = { kind: "int64" };
const text: ColumnType = { kind: "string" };
const flag: ColumnType = { kind: "boolean" };
const json: ColumnType = { kind: "json" };
const date: ColumnType = { kind: "date" };
const instant: ColumnType = { kind: "timestamp", zone: "utc" };
const money: ColumnType = { kind: "decimal", precision: 12, scale: 2 };

const required = (name: string, type: ColumnType): Field => ({ name, type, nullable: false });
const optional = (name: string, type: ColumnType): Field => ({ name, type, nullable: true });

function opOf(created: number, updated: number, after: number): number | undefined {
  if (created > after) return ChangeOp.insert;
  return updated > after ? ChangeOp.update : undefined;
}

/** What the tables are made from. */
export interface Makers {
  readonly customers: number;
  readonly life: Life;
  readonly catalogue: Catalogue;
  readonly person: (customer: number) => Customer;
  readonly order: (customer: number, k: number, placedAt: number) => Order;
}

/** The models of all tables. */
export function tableModels({
  customers,
  life,
  catalogue,
  person,
  order,
}: Makers): Record<TableName, TableModel> {
  const eachOrder = (customer: number, until: number, visit: (order: Order) => void): void =>
    life.orders(customer, until, (k, placedAt) => visit(order(customer, k, placedAt)));
  return {
    customers: {
      schema: {
        fields: [
          required("customer_id", int64),
          required("email", text),
          required("first_name", text),
          required("last_name", text),
          required("country", text),
          required("city", text),
          required("tier", text),
          required("marketing_opt_in", flag),
          optional("birth_date", date),
          required("attributes", json),
          required("created_at", instant),
          required("updated_at", instant),
        ],
      },
      primaryKey: ["customer_id"],
      cursor: undefined,
      owners: customers,
      emit(owner, after, until, put) {
        const created = life.birth(owner);
        if (created > until) return;
        const op = opOf(created, created, after);
        if (op === undefined) return;
        const who = person(owner);
        put(op, [
          owner + 1,
          who.email,
          who.firstName,
          who.lastName,
          who.place.country,
          who.city,
          who.tier,
          who.optIn,
          who.birthDay,
          who.attributes,
          created,
          created,
        ]);
      },
    },
    products: {
      schema: {
        fields: [
          required("product_id", int32),
          required("sku", text),
          required("title", text),
          required("brand", text),
          required("category", text),
          required("price", money),
          required("cost", money),
          required("weight_g", int32),
          required("attributes", json),
          required("active", flag),
          required("launched_at", instant),
          required("updated_at", instant),
        ],
      },
      primaryKey: ["product_id"],
      cursor: undefined,
      owners: catalogue.size,
      emit(owner, after, until, put) {
        const what = catalogue.describe(owner);
        if (what.launchedAt > until || what.launchedAt <= after) return;
        put(ChangeOp.insert, [
          owner + 1,
          what.sku,
          what.title,
          what.brand,
          what.category,
          what.price,
          what.cost,
          what.weight,
          what.attributes,
          what.active,
          what.launchedAt,
          what.launchedAt,
        ]);
      },
    },
    orders: {
      schema: {
        fields: [
          required("order_id", int64),
          required("customer_id", int64),
          required("status", text),
          required("channel", text),
          required("currency", text),
          optional("coupon_code", text),
          required("subtotal", money),
          required("discount", money),
          required("shipping", money),
          required("total", money),
          required("placed_at", instant),
          required("updated_at", instant),
        ],
      },
      primaryKey: ["order_id"],
      cursor: "placed_at",
      owners: customers,
      emit(owner, after, until, put) {
        const { currency } = person(owner).place;
        eachOrder(owner, until, (each) => {
          const state = orderAt(each, until);
          const op = opOf(each.placedAt, state.since, after);
          if (op === undefined) return;
          put(op, [
            each.id,
            owner + 1,
            state.status,
            each.channel,
            currency,
            each.coupon,
            each.subtotal,
            each.discount,
            each.shipping,
            each.total,
            each.placedAt,
            state.since,
          ]);
        });
      },
    },
    order_items: {
      schema: {
        fields: [
          required("order_id", int64),
          required("line_no", int16),
          required("product_id", int32),
          required("quantity", int16),
          required("unit_price", money),
          required("discount", money),
          required("created_at", instant),
        ],
      },
      primaryKey: ["order_id", "line_no"],
      cursor: "created_at",
      owners: customers,
      emit(owner, after, until, put) {
        eachOrder(owner, until, (each) => {
          if (each.placedAt <= after) return;
          each.lines.forEach((line, index) =>
            put(ChangeOp.insert, [
              each.id,
              index + 1,
              line.product + 1,
              line.quantity,
              line.unitPrice,
              line.discount,
              each.placedAt,
            ]),
          );
        });
      },
    },
    payments: {
      schema: {
        fields: [
          required("payment_id", int64),
          required("order_id", int64),
          required("attempt", int16),
          required("method", text),
          required("status", text),
          required("amount", money),
          optional("card_brand", text),
          optional("last4", text),
          optional("decline_code", text),
          required("created_at", instant),
        ],
      },
      primaryKey: ["payment_id"],
      cursor: "created_at",
      owners: customers,
      emit(owner, after, until, put) {
        eachOrder(owner, until, (each) => {
          for (const payment of each.payments) {
            if (payment.at > until || payment.at <= after) continue;
            put(ChangeOp.insert, [
              each.id * 4 + payment.attempt,
              each.id,
              payment.attempt,
              payment.method,
              payment.status,
              payment.amount,
              payment.cardBrand,
              payment.last4,
              payment.declineCode,
              payment.at,
            ]);
          }
        });
      },
    },
  };
}
