import { AlluviumError } from "@alluvium/core";

/** Why a file cannot be read on: nobody says where its next row begins within what one may take. */
export function lineTooLong(path: string, line: number, maxRecordBytes: number, what: string): AlluviumError {
  return new AlluviumError(
    "ALV_SOURCE_DATA",
    `${path}, line ${line}: ${what} of more than ${maxRecordBytes} bytes. If rows are so long, raise maxRecordBytes; else the file is of another format`,
    { step: "read" },
  );
}
