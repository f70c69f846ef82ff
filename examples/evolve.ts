import { AlluviumError, pipeline, resource, source } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";

type Product = Record<string, unknown>;
let products: Product[] = [];

const shop = source("shop", () => [
  // #region hints
  resource({
    name: "products",
    columns: {
      price: { type: "decimal", precision: 10, scale: 2 },
      attributes: { type: "json" }, // kept as JSON text, whatever shape it has
    },
    *read() {
      yield* products;
    },
  }),
  // #endregion hints
]);
const load = pipeline({
  name: "products",
  source: shop(),
  destination: delta({ url: "./lake" }),
});

// #region evolve
products = [{ id: 1, price: "9.90", attributes: { color: "red" }, weight: null }];
console.log((await load.run()).tables.products.schemaChanges);
// [ { kind: "tableCreated" } ]; weight is not there yet: nobody knows its type

products = [{ id: 2, price: "12.00", attributes: ["new"], weight: 1.5, HTTPStatus: 200 }];
console.log((await load.run()).tables.products.schemaChanges);
// weight and http_status are added; the row from before has null in both
// #endregion evolve

// #region variants
products = [{ id: 3, price: "1.00", weight: "3 kg" }];
console.log((await load.run()).tables.products.schemaChanges);
// weight holds numbers, so the text is in the new column weight__v_string; weight is null in that row
// #endregion variants

// #region conflict
const frozen = pipeline({
  name: "frozen_products",
  source: source("frozen", () => [
    resource({
      name: "frozen_products",
      contract: "freeze", // what is committed stays as it is
      *read() {
        yield* products;
      },
    }),
  ])(),
  destination: delta({ url: "./lake" }),
});
await frozen.run();
products = [{ id: "4-b", price: "1.00", weight: "3 kg" }];
try {
  await frozen.run();
} catch (error) {
  if (!AlluviumError.is(error)) throw error;
  // ALV_SCHEMA_CONFLICT, naming the column and both types
  console.log(error.code, error.message);
}
// #endregion conflict
