import { AlluviumError } from "@alluvium/core";
import type { ParquetSource } from "@alluvium/core/parquet";
import type { FileContent } from "../format.ts";

/** A file by ranges. One that is compressed as a whole is `ALV_UNSUPPORTED`: the footer, where reading begins, is at its end. */
export function contentSource(file: FileContent): ParquetSource {
  if (file.compression !== "none")
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `${file.path}: a Parquet file that is compressed as a whole (${file.compression}) cannot be read by parts. Unpack it; the pages in it are compressed anyway`,
      { step: "read" },
    );
  return {
    byteLength: file.size,
    slice: (start, end = file.size, into) => file.range(start, end, into),
  };
}
