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

// #region conflict
products = [{ id: "3-b", price: "1.00" }];
try {
  await load.run();
} catch (error) {
  if (!AlluviumError.is(error)) throw error;
  // ALV_SCHEMA_CONFLICT, naming the column and both types
  console.log(error.code, error.message);
}
// #endregion conflict
