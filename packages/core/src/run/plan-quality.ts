import type { Destination, DestinationSession } from "../destination.ts";
import { hasTables } from "../nesting/choice.ts";
import { nameOf, tokenName } from "../nesting/path.ts";
import type { Check } from "../quality/check.ts";
import { openChecks, type TableChecks } from "../quality/table-checks.ts";
import type { TableDescription } from "../stream.ts";
import { refused } from "./plan-checks.ts";

/** What the checks of a table are opened with. */
export interface QualityOptions {
  readonly destination: Destination;
  readonly session: DestinationSession;
  /** Bytes that each check may keep. */
  readonly budget: number;
}

/** Opens the checks of a resource's own table. Throws `ALV_CONFIG` and `ALV_UNSUPPORTED` for those that cannot be made. */
export function planQuality(description: TableDescription, options: QualityOptions): TableChecks | undefined {
  const { checks = [] } = description;
  if (checks.length === 0) return undefined;
  for (const check of checks) refuseCheck(description, check, options);
  const own = checks.filter(({ list }) => list === undefined);
  return own.length === 0 ? undefined : open(description, description.name, own, options);
}

/** Opens the checks of a child table, that of the list at `path`. */
export function planChildQuality(
  description: TableDescription,
  resource: string,
  options: QualityOptions,
): TableChecks | undefined {
  const own = description.checks?.filter(({ list }) => resource === `${description.name}.${list}`) ?? [];
  return own.length === 0 ? undefined : open(description, resource, own, options, true);
}

function open(
  { primaryKey, masked = [] }: TableDescription,
  resource: string,
  checks: readonly Check[],
  { budget }: QualityOptions,
  isChild = false,
): TableChecks {
  const key = isChild ? [] : primaryKey;
  return openChecks(
    { resource, primaryKey: key, masked: isChild ? [] : masked, ...(isChild && { nameOf: elementName }) },
    checks,
    budget,
  );
}

/** What a member of an element, or the element itself (`value`, `key`), is called in rows of a child table. */
function elementName(column: string): string {
  return column === "value" || column === "key" ? tokenName([], column) : nameOf(column.split("."));
}

function refuseCheck(
  { name: resource, schema, open: isOpen, disposition, nesting, partial }: TableDescription,
  { name, rule, columns, when, list }: Check,
  { destination, session }: QualityOptions,
): void {
  const known = schema.fields.map((field) => field.name);
  const unknown = columns.find((column) => !known.includes(column));
  if (list === undefined && unknown !== undefined && isOpen !== true && known.length > 0)
    throw refused(
      resource,
      `its check ${name} names column ${JSON.stringify(unknown)}, but it has ${known.join(", ")}`,
    );
  if (list !== undefined && (nesting === undefined || !hasTables(nesting)))
    throw refused(
      resource,
      `its check ${name} is about the elements of ${list}, which have a table of their own only with nesting "tables"; check them with a function, or choose that nesting`,
    );
  if (rule.kind === "unique" && when === "before" && disposition.kind === "merge")
    throw refused(
      resource,
      `its check ${name} compares the rows of a load, of which several may be versions of one row since it merges; check the table with { when: "after" }`,
    );
  if (rule.kind === "check" && partial === true)
    throw refused(
      resource,
      `its check ${name} is a function of whole rows, and its rows are partial; check single columns, or the table with sqlCheck()`,
    );
  if (rule.kind === "sql" && session.query === undefined)
    throw refused(
      resource,
      `its check ${name} is SQL, which ${destination.name} does not run; check rows, or figures of the table, instead`,
      "ALV_UNSUPPORTED",
    );
  if (when === "after" && rule.kind !== "sql" && session.scan === undefined)
    throw refused(
      resource,
      `its check ${name} looks at the table after the commit, which ${destination.name} does not read back; give it { when: "before" }`,
      "ALV_UNSUPPORTED",
    );
}
