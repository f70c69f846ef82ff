import { openTableWriter, type FileOptions } from "../../src/lake/files/table-writer.ts";
import { rewriteWith } from "../../src/lake/files/rewrite.ts";
import { folderFooter } from "../../src/parquet/footer.ts";
import { folderFormat } from "../../src/parquet/format.ts";
import { crashSuite } from "../lake/crash-suite.ts";
import { folderRows } from "./folder-rows.ts";

const files: FileOptions = { footer: folderFooter };

// Every seventh step: each is stopped at in the suite of the protocol itself, and in `format.test.ts` for what is of folders.
crashSuite(
  {
    name: "parquet",
    parts: {
      format: folderFormat(files),
      openWriter: (options) => openTableWriter(options, files),
      rewrite: rewriteWith(files),
    },
    read: folderRows,
  },
  7,
);
