import type { Schema, TablePlan } from "@alluvium/core";
import { withValidity } from "./merge-rows.ts";
import { boundSchema } from "./schemas.ts";

/** The columns that a table of `plan` gets for rows of `schema`: those whose type is known, and those of its versions. */
export function plannedSchema(plan: TablePlan, schema: Schema): Schema {
  return withValidity(boundSchema(schema), plan.merge?.validity);
}
