import { readFile, writeFile } from "node:fs/promises";
import { AlluviumError, pipeline, resource, source, type SchemaDocument } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";

interface Customer {
  id: number;
  name: string;
  city?: string;
  phone?: string;
}
let customers: Customer[] = [{ id: 1, name: "Ada" }];

const crm = source("crm", () => [
  resource({
    name: "customers",
    primaryKey: "id",
    disposition: "merge",
    *read() {
      yield* customers;
    },
  }),
]);
const destination = delta({ url: "./lake" });
const load = pipeline({ name: "crm", source: crm(), destination });
await load.run();

// #region dry
customers = [{ id: 1, name: "Ada", city: "London" }];
const report = await load.run({ dryRun: true });
console.log(report); // as a table of differences: customers gets the column city
console.log(report.plan?.tables[0]?.changes); // the same as data
// #endregion dry

// #region refresh
const again = await load.run({ refresh: "data", only: ["customers"] });
console.log(again.tables.customers.refreshed); // "data"
// #endregion refresh

// #region contract
await writeFile("schema.json", JSON.stringify(await load.schema(), null, 2));

const contract = JSON.parse(await readFile("schema.json", "utf8")) as SchemaDocument;
const strict = pipeline({ name: "crm", source: crm(), destination, contract });
customers = [{ id: 2, name: "Grace", phone: "555" }];
try {
  await strict.run();
} catch (error) {
  if (!AlluviumError.is(error)) throw error;
  console.log(error.code, error.message); // ALV_SCHEMA_CONFLICT: column phone is not in the contract
}
// #endregion contract
