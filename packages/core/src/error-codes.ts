/**
 * The registry of error codes, for documentation and tools.
 *
 * @module core/errors
 */

/**
 * Every code that an error of Alluvium can carry: the single registry, from which the documentation page is generated.
 * The text says what the code means and what to do; `retryable` whether a run tries again by itself.
 */
export const errorCodes = {
  ALV_INTERNAL: {
    retryable: false,
    text: "A defect in Alluvium or a connector. Please report it with the message.",
  },
  ALV_CONFIG: {
    retryable: false,
    text: "An option is missing or wrong. The message names the option, the value and what is accepted.",
  },
  ALV_MISSING_PACKAGE: {
    retryable: false,
    text: "An optional package that a connector needs is not installed. Install the one named in the message.",
  },
  ALV_UNSUPPORTED: {
    retryable: false,
    text: "The destination, table or type cannot do what was asked. The message names what is missing.",
  },
  ALV_AUTH: {
    retryable: false,
    text: "The server refused the credentials. Check user, password and permissions.",
  },
  ALV_CONNECTION: {
    retryable: true,
    text: "A server could not be reached or the connection broke. The run tries again, then fails with this code.",
  },
  ALV_TIMEOUT: { retryable: true, text: "A server stopped answering in the time allowed." },
  ALV_SOURCE_NOT_FOUND: {
    retryable: false,
    text: "A table, column or file named in the options does not exist at the source.",
  },
  ALV_SOURCE_FAILED: { retryable: false, text: "Reading from the source failed; the cause says why." },
  ALV_SOURCE_DATA: {
    retryable: false,
    text: "A file cannot be decoded: it is cut off, damaged or of another format. The message names file and place; what was read before stays.",
  },
  ALV_SOURCE_CHANGED: {
    retryable: true,
    text: "A file was overwritten while it was read. Its rows so far are dropped, and it is read again; where some of them are committed, the message says what to choose.",
  },
  ALV_SNAPSHOT_LOST: {
    retryable: true,
    text: "The source's snapshot ended while a table was being copied; the table starts again under a new one.",
  },
  ALV_ROW_INVALID: {
    retryable: false,
    text: "A row was refused by its schema or column type. The message names the row, column and value.",
  },
  ALV_QUARANTINE_LIMIT: {
    retryable: false,
    text: "More rows of a table were refused than its quarantine may take, so nothing of them is committed. The message names the counts, the limit and some reasons.",
  },
  ALV_CHECK_FAILED: {
    retryable: false,
    text: "A check of severity error failed. The message names the check, the column and how many rows; the report has all results. What failed before the commit is not loaded.",
  },
  ALV_VALUE_TOO_LARGE: {
    retryable: false,
    text: "One value or row is larger than a column or the run's budget can hold.",
  },
  ALV_VALUE_UNREPRESENTABLE: {
    retryable: false,
    text: "A value (NaN, an infinity, a date out of range …) has no exact form in the column's type. Choose a policy for such values.",
  },
  ALV_SCHEMA_CONFLICT: {
    retryable: false,
    text: "A column's new type does not fit the type that is already committed. The message names both.",
  },
  ALV_NAME_COLLISION: {
    retryable: false,
    text: "Two columns or tables get the same name at the destination. Rename one of them.",
  },
  ALV_CURSOR_ORDER: { retryable: false, text: "A stream that declares ascending order stepped back." },
  ALV_NO_CHECKPOINT: {
    retryable: false,
    text: "A stream was cut before its end and offers no point to resume from, so nothing of it was committed since its last commit.",
  },
  ALV_LATE_TRANSACTIONS: {
    retryable: false,
    text: "Transactions in flight at the source could commit behind the cursor. Set `lag`, or wait for them to end.",
  },
  ALV_CONCURRENT_RUN: {
    retryable: false,
    text: "Another run of the same pipeline and lane is active, or won the commit. Let it finish, or use a lane of its own.",
  },
  ALV_STATE_LOST: {
    retryable: false,
    text: "Tables know this pipeline but its state is gone. Restore the state folder from a backup, or name the tables in `adopt`: they go on under a new state, which reads every stream from its start.",
  },
  ALV_STATE_MISMATCH: {
    retryable: false,
    text: "The stored cursor belongs to another source, cursor column or selection.",
  },
  ALV_STATE_INVALID: {
    retryable: false,
    text: "A state or manifest file cannot be read: damaged, or written by a newer version.",
  },
  ALV_STORE_UNSAFE: {
    retryable: false,
    text: "The store can neither link nor put conditionally, so two writers could overwrite each other.",
  },
  ALV_STORE_FAILED: {
    retryable: true,
    text: "Reading from or writing to the store failed; the cause says why.",
  },
  ALV_STORE_FULL: {
    retryable: false,
    text: "The disk is full or a quota is used up. Nothing committed is harmed; make room and run again.",
  },
  ALV_NOT_FOUND: { retryable: false, text: "A file or object does not exist." },
  ALV_FILE_INVALID: {
    retryable: false,
    text: "A file is damaged or not of the format it should be. The message names the file and the place.",
  },
  ALV_TABLE_NOT_FOUND: { retryable: false, text: "There is no table at this place." },
  ALV_TABLE_REPLACED: {
    retryable: false,
    text: "The table at the destination is not the one this pipeline wrote (its id changed).",
  },
  ALV_TABLE_FOREIGN: {
    retryable: false,
    text: "The table was not written by this pipeline. Use `adopt` to take it over or `shared` to write beside others.",
  },
  ALV_TABLE_FEATURE: {
    retryable: false,
    text: "The table needs a feature of its format that is not supported. The message names it.",
  },
  ALV_TABLE_CONFLICT: {
    retryable: true,
    text: "Another writer changed the table in a way that conflicts with this commit.",
  },
  ALV_TABLE_PARKED: {
    retryable: false,
    text: "The table could not be written and is set aside until `retry`, `skip` or `resync` settles it; other tables go on.",
  },
  ALV_EMPTY_REPLACE: {
    retryable: false,
    text: "A replace would empty a table. Allow it with `allowEmpty: true` if that is meant.",
  },
  ALV_DEADLINE: {
    retryable: false,
    text: "The deadline came before the end of a stream. What it read up to its last checkpoint is committed; the next run goes on there.",
  },
  ALV_LOAD_EXPIRED: {
    retryable: false,
    text: "The load is older than half the vacuum age; its files may be deleted by others. Run again.",
  },
} as const;
