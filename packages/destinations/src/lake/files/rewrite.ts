import type { RewriteFiles } from "../contract.ts";
import { readDataFile, type ReadFile } from "./read.ts";
import { openTableWriter, type FileOptions } from "./table-writer.ts";

/** A {@link RewriteFiles} that writes as `fileOptions` say, and reads what they write. */
export function rewriteWith(fileOptions: FileOptions, read: ReadFile = readDataFile): RewriteFiles {
  return async (files, options, call) => {
    await using writer = openTableWriter(options, fileOptions);
    for (const file of files)
      for await (const batch of read(file, options, call?.signal)) await writer.write(batch, call);
    // Awaited here: the writer is disposed, with what is not sealed, when this returns.
    return await writer.seal();
  };
}
