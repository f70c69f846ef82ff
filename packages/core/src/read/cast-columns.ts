import { castVectorBy } from "../columns/cast.ts";
import { explicitConverter } from "../columns/convert.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import { nullRow } from "../schema/conform.ts";
import { fieldOfHint, type ColumnHints } from "../schema/hints.ts";
import type { Conversion, Conversions } from "./convert-columns.ts";

/** What `cast` does with each of its columns. A value that does not fit is `ALV_ROW_INVALID`. */
export function castConversions(hints: ColumnHints, resource: string): Conversions {
  return new Map(
    Object.entries(hints).map(([column, hint]): [string, Conversion] => {
      const { type } = fieldOfHint(column, hint);
      const conversion: Conversion = {
        // Keys of deletes have their last name already.
        field: (field) => fieldOfHint(field.name, hint, field),
        vector: (vector) => {
          try {
            return castVectorBy(vector, type, column, explicitConverter);
          } catch (error) {
            if (!AlluviumError.is(error)) throw error;
            throw resourceError(
              "ALV_ROW_INVALID",
              resource,
              `cast cannot keep every value: ${error.message}. Mend it in read or map(), or cast to a type that holds it`,
              { cause: error },
            );
          }
        },
      };
      if (hint.nullable !== false) return [column, conversion];
      return [
        column,
        {
          ...conversion,
          check: (batch, at) => {
            const row = nullRow(batch.columns[at]!, batch, batch.changes?.unchanged?.[at]);
            if (row >= 0)
              throw resourceError(
                "ALV_ROW_INVALID",
                resource,
                `cast says that column ${JSON.stringify(column)} is not null, and row ${row + 1} of its batch has null there: fill it in in map(), or let it be null`,
              );
          },
        },
      ];
    }),
  );
}
