import { createAppender } from "../columns/append.ts";
import { createPartialAppender } from "../columns/append-partial.ts";
import { AlluviumError } from "../errors.ts";
import type { ReadRoot } from "../resource-definition.ts";
import type { Schema } from "../schema/types.ts";
import type { RefusedAgain } from "../stream.ts";
import { portionOfBatch, type Portion } from "./portion.ts";
import { refusedRow } from "./refused.ts";
import { placed } from "./steps.ts";
import { validateRow, withoutRefused } from "./validate.ts";

/** Rows that an origin took this time, and those that it refuses once more. */
export interface Retaken {
  readonly portion: Portion;
  /** Of each row of the portion its place among those given. */
  readonly places: readonly number[];
  readonly refused: readonly RefusedAgain[];
}

/** Takes rows of a user's read, or of a connector's table of these columns, once more: by schema and types. */
export async function retakeRows(
  root: Pick<ReadRoot, "name" | "primaryKey" | "partial"> & Partial<ReadRoot>,
  schema: Schema,
  rows: readonly unknown[],
  leavesOut: boolean,
): Promise<Retaken> {
  const { name, columns, inference, primaryKey, partial } = root;
  const checks = root.validate === true ? root.schema : undefined;
  const appender = (partial ? createPartialAppender : createAppender)({
    schema,
    ...(columns && { columns }),
    ...inference,
  });
  const taken: object[] = [];
  const places: number[] = [];
  const refused: RefusedAgain[] = [];
  for (const [place, given] of rows.entries()) {
    let row = given;
    for (let attempt = 0; attempt < 2; attempt++) {
      let rule = "schema";
      try {
        const checked = checks === undefined ? row : await validateRow(checks, row, name, place + 1);
        rule = "type";
        appender.append(checked as object);
        taken.push(checked as object);
        places.push(place);
        break;
      } catch (error) {
        const problem = placed(error, name);
        if (!AlluviumError.is(problem) || problem.code !== "ALV_ROW_INVALID") throw problem;
        const rest = leavesOut && attempt === 0 ? withoutRefused(row, problem) : undefined;
        if (rest === undefined) {
          const again = refusedRow(problem, given, {
            rule,
            number: place + 1,
            key: primaryKey,
            cursor: undefined,
          });
          refused.push({ place, row: again });
          break;
        }
        row = rest.row;
      }
    }
  }
  return { portion: portionOfBatch(appender.finish(), taken), places, refused };
}
