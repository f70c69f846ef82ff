import {
  AlluviumError,
  type AbilityOfDisposition,
  type ChecksOption,
  type ColumnHint,
  type ContractOption,
  type DerivedPartition,
  type DispositionOption,
  type Duration,
  type Naming,
  type NestingOption,
  type ObjectStore,
  type QuarantineLimits,
  type RowSchema,
} from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import * as z from "zod";
import type { AwsClientLike } from "@alluvium/core/aws";
import type { FileFormat } from "./format.ts";
import type { NotificationsOptions } from "./notifications.ts";

/** Which of the files at a place are meant, and how they are followed. Given for the source, or for one table. */
export interface FilesReadOptions {
  /** Globs of files that are left out. @default none */
  readonly exclude?: string | readonly string[];
  /**
   * Whether files are read of which a part of the path begins with a point or with `_`, where the glob does not spell it out. Partitions (`_day=1/`)
   * are no such parts. @default false, as Spark has it
   */
  readonly hidden?: boolean;
  /**
   * How far behind the newest file that is loaded others may be last written, and still be found. It must be longer than the longest upload, since S3 says
   * when an upload began, and than clocks differ. The files of the window (with `notifications` also those since all were listed) are remembered, about 23
   * bytes each in the state, 1,000,000 at most. Longer than 0.
   * @default { hours: 24 }
   */
  readonly window?: Duration;
  /** How old a file must be before it is read: for places where files are written to while they can be seen. @default 0: any */
  readonly minAge?: Duration;
  /**
   * What happens with another version of a file that is loaded, as far as the window knows of it: it is read again as new rows (`"load"`), left out
   * (`"skip"`), or stops the run (`"error"`, `ALV_SOURCE_CHANGED`). Of a file that was overwritten when a part of it was committed the rest is
   * gone: unless it is said here, that stops the run; `"load"` then reads the new version from its start, beside the rows of the old one;
   * `"skip"` leaves it at these. @default "load"
   */
  readonly changed?: "load" | "skip" | "error";
  /** About how many bytes of rows are read between two points inside a file from which reading can go on. @default 64 MiB */
  readonly checkpointBytes?: number;
}

/** Options of one table. */
export interface FilesTableOptions<Row = Record<string, unknown>> extends FilesReadOptions {
  /**
   * Globs of its files, from the place on: `"reviews/**\/*.csv.gz"`. `*` and `?` stand within a folder, `**` for folders, `{a,b}` and `[a-z]` for choices.
   * Only what begins as the glob does, up to its first special character, is listed.
   */
  readonly files: string | readonly string[];
  /** How the files are read: `csv()`, `jsonLines()`, `parquet()` … @default by the extension that all globs end with, before `.gz` or `.zst` */
  readonly format?: FileFormat;
  /** What rows are: `typed<Row>()`, or a schema whose column types then hold. Rows are not checked by it. @default untyped rows */
  readonly schema?: RowSchema<unknown, object>;
  /** Columns that tell rows apart. @default none */
  readonly primaryKey?: string | readonly string[];
  /** What happens to the rows at the destination. @default "append" */
  readonly disposition?: DispositionOption<Row>;
  /** Types of single columns, where the files do not say enough. @default from the files */
  readonly columns?: { readonly [column: string]: ColumnHint };
  /** Takes the path of each row's file into a column of this name. @default none */
  readonly fileColumn?: string;
  /**
   * Takes the time when each row's file was last written into a column of this name. It is what `run({ since, until })` goes by, which needs it.
   * @default none
   */
  readonly modifiedColumn?: string;
  /** Whether Hive partitions in paths (`day=2024-01-01/`) are columns: text, unless `columns` or `schema` says more. @default false */
  readonly partitions?: boolean;
  /** Name of the table at the destination. @default the name */
  readonly as?: string;
  /** How columns are spelled at the destination. @default "snake" */
  readonly naming?: Naming;
  /** What becomes of lists, maps and objects. @default "native" */
  readonly nesting?: NestingOption<Row>;
  /** What happens where rows bring what the table does not have. @default "evolve" */
  readonly contract?: ContractOption;
  /** How much of the table may be refused into its quarantine before the run is stopped. @default no limit */
  readonly quarantine?: QuarantineLimits;
  /** What must hold for rows and table. @default nothing */
  readonly checks?: ChecksOption<Row>;
  /** Columns, or parts of dates (`day("created_at")`), by which files are partitioned at the destination. @default none */
  readonly partitionBy?: readonly (string | DerivedPartition<string>)[];
}

/** A queue of SQS that says which files are new. */
export interface FilesNotifications extends NotificationsOptions {
  /** How long after all files were listed they are listed again: what the queue does not say is found then. @default { hours: 24 } */
  readonly sweepEvery?: Duration;
}

/** Options of {@link files} but the tables. */
export interface FilesOptions extends FilesReadOptions {
  /** Where the files are: the path of a folder, a `file:` URL, or `s3://bucket/prefix`. Either this or `store`. */
  readonly url?: string | URL;
  /** Where the files are, as a store: `s3Store("s3://…", { region })`, or any other. */
  readonly store?: ObjectStore;
  /** What happens where rows bring what their tables do not have, for what tables do not say themselves. @default "evolve" */
  readonly contract?: ContractOption;
  /**
   * A queue that the bucket sends its events to, of this source alone. It is a hint that spares listings, never the truth: what it names is looked at, and
   * every `sweepEvery` all files are listed nevertheless. Needs S3 and the package `@aws-sdk/client-sqs`. @default none: each run lists
   */
  readonly notifications?: FilesNotifications;
}

/** What a table's options ask of a destination. */
export type AbilityOfFiles<Options> = Options extends {
  readonly disposition: infer Disposition extends DispositionOption;
}
  ? AbilityOfDisposition<Disposition>
  : "append";

/** All options, as they are checked at open. */
export interface CheckedOptions extends FilesOptions {
  readonly tables: Readonly<Record<string, FilesTableOptions>>;
}

const GLOBS = "must be a glob, or a list of globs";
const SPAN =
  "must be an object of days, hours, minutes, seconds and milliseconds, each a number from 0 on, such as { hours: 24 }";
const NAME = "must be a name of at least one character";
const FLAG = "must be true or false";
const PLACE = "must be the path of a folder, a file: URL, or s3://bucket/prefix";
const HINT = 'must be a type, such as { type: "int64" } or { type: "decimal", precision: 18, scale: 2 }';
const COUNT = "must be a whole number, at least 1";
const HIDDEN = "must be a whole number of seconds, 1 to 43,200";
const BYTES = "must be a whole number of bytes, at least 1";
const COLUMNS = 'must be an object of the columns\' types by name, such as { id: { type: "int64" } }';

const name = z.string(NAME).min(1, NAME);
const flag = z.boolean(FLAG);
const globs = z.custom<string | readonly string[]>(isTexts, GLOBS);
const span = z.number(SPAN).min(0, SPAN);
const duration = z.strictObject(
  {
    days: span.optional(),
    hours: span.optional(),
    minutes: span.optional(),
    seconds: span.optional(),
    milliseconds: span.optional(),
  },
  SPAN,
);
const readOptions = {
  exclude: globs.optional(),
  hidden: flag.optional(),
  window: duration
    .refine(
      (window) => millisecondsOf(window as Duration) > 0,
      "must be longer than 0, since files may become visible behind newer ones; the default is { hours: 24 }",
    )
    .optional(),
  minAge: duration.optional(),
  changed: z.enum(["load", "skip", "error"], 'must be "load", "skip" or "error"').optional(),
  checkpointBytes: z.int(BYTES).min(1, BYTES).optional(),
  contract: z.unknown().optional(),
};
const tableOptions = z.strictObject(
  {
    ...readOptions,
    files: globs,
    format: z
      .custom<FileFormat>(isFormat, "must be a format, such as csv() or jsonLines() make them")
      .optional(),
    schema: z.custom<RowSchema>(isSchema, "must be a Standard Schema, such as typed<Row>()").optional(),
    primaryKey: z
      .custom<string | readonly string[]>(isTexts, "must be a column, or a list of columns")
      .optional(),
    disposition: z.unknown().optional(),
    columns: z.record(z.string(), z.custom<ColumnHint>(isHint, HINT), COLUMNS).optional(),
    fileColumn: name.optional(),
    modifiedColumn: name.optional(),
    partitions: flag.optional(),
    as: name.optional(),
    naming: z.unknown().optional(),
    nesting: z.unknown().optional(),
    quarantine: z.unknown().optional(),
    checks: z.unknown().optional(),
    partitionBy: z.unknown().optional(),
  },
  'must be an object of options, such as { files: "orders/*.csv" }',
);
const notifications = z.strictObject(
  {
    queueUrl: z.custom<string>(
      (url) => typeof url === "string" && URL.canParse(url),
      "must be the URL of a queue",
    ),
    limit: z.int(COUNT).min(1, COUNT).optional(),
    hiddenFor: z.int(HIDDEN).min(1, HIDDEN).max(43_200, HIDDEN).optional(),
    sweepEvery: duration.optional(),
    client: z
      .custom<AwsClientLike>((value) => has(value, "send"), "must be a client of @aws-sdk/client-sqs")
      .optional(),
    region: name.optional(),
    endpoint: name.optional(),
    // Not looked at, so that no message shows it.
    credentials: z.unknown().optional(),
    attempts: z.int(COUNT).min(1, COUNT).optional(),
  },
  'must be an object of options, such as { queueUrl: "https://…" }',
);
const optionsSchema = z
  .strictObject({
    ...readOptions,
    url: z.custom<string | URL>(isPlace, PLACE).optional(),
    store: z.custom<ObjectStore>(isStore, "must be an ObjectStore, such as s3Store(…)").optional(),
    notifications: notifications.optional(),
    tables: z.record(
      z.string(),
      tableOptions,
      'must be an object of tables by name, such as { orders: { files: "orders/*.csv" } }',
    ),
  })
  .refine(({ url, store }) => (url === undefined) !== (store === undefined), "give either url or store")
  .refine(
    ({ url, notifications: queue }) =>
      url === undefined || queue === undefined || /^s3a?:/i.test(String(url)),
    "notifications are of a bucket: url must be s3://bucket/prefix",
  );

function isPlace(value: unknown): boolean {
  return value instanceof URL || (typeof value === "string" && value !== "");
}

function isTexts(value: unknown): boolean {
  const list: unknown = typeof value === "string" ? [value] : value;
  return (
    Array.isArray(list) && list.length > 0 && list.every((glob) => typeof glob === "string" && glob !== "")
  );
}

function isHint(value: unknown): boolean {
  return has(value, "type") && typeof (value as { readonly type: unknown }).type === "string";
}

function isFormat(value: unknown): boolean {
  return has(value, "decoder") && has(value, "specVersion");
}

function isSchema(value: unknown): boolean {
  return typeof value === "function" || has(value, "~standard");
}

function isStore(value: unknown): boolean {
  return has(value, "list") && has(value, "capabilities");
}

function has(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && name in value;
}

/** Checks options; throws `ALV_CONFIG` naming the option, its value and what is accepted. */
export function checkOptions(options: CheckedOptions): void {
  const result = optionsSchema.safeParse(options, { reportInput: true });
  if (result.success) return;
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.map(String).join(".");
    const at = path === "" ? "" : `${path}: `;
    if (issue.code === "unrecognized_keys") return `${at}there is no option ${issue.keys.join(", ")}`;
    if (path === "" && issue.code === "invalid_type")
      return 'the options must be an object, such as { url: "./landing", tables: { … } }';
    const value = path === "" ? "" : `${path} is ${describeValue(issue.input)}: `;
    return value + issue.message;
  });
  throw new AlluviumError("ALV_CONFIG", `files: ${problems.join("; ")}`, { step: "open" });
}

/** A time span in milliseconds. */
export function millisecondsOf({
  days = 0,
  hours = 0,
  minutes = 0,
  seconds = 0,
  milliseconds = 0,
}: Duration): number {
  return milliseconds + 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)));
}
