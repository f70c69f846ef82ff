import { AlluviumError, type Json } from "@alluvium/core";
import { createAppender } from "@alluvium/core/columns";
import type { DecoderContext, FileFormat } from "@alluvium/sources/files";

/** How the lines are read. */
interface LinesOptions {
  /** Lines of one batch. @default 3 */
  readonly perBatch?: number;
  /** Part of its identity. @default none */
  readonly identity?: Json;
}

/** A format for tests: each line is the text of a row `{ text }`; one that begins with `!` is refused. A line may be numbered: `12 text` has an `id` too. */
export function lines({ perBatch = 3, identity }: LinesOptions = {}): FileFormat {
  return { specVersion: 1, name: "lines", ...(identity !== undefined && { identity }), decoder };

  function decoder({ schema, columns = {} }: DecoderContext): ReturnType<FileFormat["decoder"]> {
    const appender = createAppender({ schema, columns });
    return {
      async *read(file, since) {
        let [offset, line] = (since ?? [0, 0]) as [number, number];
        let rest = Buffer.alloc(0);
        let numbers: number[] = [];
        const batchOf = () => {
          const own = numbers;
          numbers = [];
          return {
            batch: appender.finish(),
            position: [offset, line],
            locate: (row: number) => ({ line: own[row]! }),
          };
        };
        for await (const chunk of file.read(offset)) {
          rest = Buffer.concat([rest, chunk]);
          for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
            const text = rest.toString("utf8", 0, end);
            rest = rest.subarray(end + 1);
            offset += end + 1;
            line += 1;
            if (text.startsWith("!")) {
              if (numbers.length > 0) yield { ...batchOf(), position: undefined };
              const refused = {
                stage: "read",
                reason: "ALV_ROW_INVALID",
                rule: "type",
                message: `line ${line} is none`,
                row: JSON.stringify(text),
                position: { line },
              } as const;
              yield { refused: [refused], position: [offset, line] };
              continue;
            }
            const [, id, word] = /^(\d+) (.*)$/.exec(text) ?? [];
            appender.append(id === undefined ? { text } : { id: Number(id), text: word });
            numbers.push(line);
            if (numbers.length === perBatch) yield batchOf();
          }
        }
        if (rest.length > 0)
          throw new AlluviumError("ALV_SOURCE_DATA", `${file.path} ends in the midst of line ${line + 1}`);
        if (numbers.length > 0) yield batchOf();
      },
    };
  }
}
