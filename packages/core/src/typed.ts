/**
 * What a schema library offers to describe and check rows: the part of Standard Schema v1 that is read here, structurally, so that
 * zod, valibot, arktype and others work without being imported.
 *
 * Source: https://standardschema.dev
 */
export interface RowSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    /** Checks a value, and turns it into the output form. */
    readonly validate: (value: unknown) => ValidationResult<Output> | Promise<ValidationResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of one value: the value as the schema makes it, or what is wrong with it. */
export type ValidationResult<Output = unknown> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly ValidationIssue[] };

/** One thing that is wrong with a value, and where in it. */
export interface ValidationIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type that a schema accepts. */
export type InputOf<Schema extends RowSchema<unknown, unknown>> = NonNullable<
  Schema["~standard"]["types"]
>["input"];

/** The type that a schema gives. */
export type OutputOf<Schema extends RowSchema<unknown, unknown>> = NonNullable<
  Schema["~standard"]["types"]
>["output"];

/** Vendor of {@link typed}: nothing to check. */
export const typedVendor = "alluvium";

/**
 * A schema of types alone: it says what rows are and checks nothing. For rows whose source is trusted, or whose type is generated.
 *
 * @example
 * ```ts
 * const orders = resource({ name: "orders", schema: typed<Order>(), cursor: "updatedAt", read });
 * ```
 */
export function typed<Row extends object>(): RowSchema<Row, Row> {
  return {
    "~standard": { version: 1, vendor: typedVendor, validate: (value) => ({ value: value as Row }) },
  };
}
