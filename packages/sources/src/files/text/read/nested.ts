import { AlluviumError, type Field } from "@alluvium/core";
import { createAppender, parseJson } from "@alluvium/core/columns";
import { textAt } from "../cells.ts";
import type { RowsReader } from "./cell-reader.ts";

/** Lists, maps and objects, whose cells are JSON. */
export function nestedReader(field: Field, refuse: (cell: number, why: string) => void): RowsReader {
  const { name } = field;
  const appender = createAppender({ schema: { fields: [{ ...field, nullable: true }] } });
  return {
    builder: {
      get byteLength() {
        return appender.byteLength;
      },
      finish: () => appender.finish().columns[0]!,
      recycle: () => {},
    },
    read(cells, column) {
      const { starts, ends, rows, stride } = cells;
      for (let at = column * stride, stop = at + rows; at < stop; at++) {
        const text = textAt(cells, starts[at]!, ends[at]!);
        try {
          appender.append({ [name]: text === null ? null : parseJson(text) });
        } catch (error) {
          if (
            !(error instanceof SyntaxError || (AlluviumError.is(error) && error.code === "ALV_ROW_INVALID"))
          )
            throw error;
          refuse(at - column * stride, error.message);
          appender.append({ [name]: null });
        }
      }
    },
  };
}
