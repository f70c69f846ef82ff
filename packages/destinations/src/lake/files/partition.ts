import { AlluviumError, type ColumnType, type Partition, type Schema } from "@alluvium/core";

/** A column by which files are partitioned: one of the table's own, or derived from one. */
export interface PartitionColumn {
  /** Name of the partition column. */
  readonly name: string;
  readonly type: ColumnType;
  /** The table's column that the values come from. */
  readonly source: string;
  readonly transform: Partition["transform"];
}

/** Name of a partition column: of the column itself, or `<column>_<transform>` unless it has a name of its own. */
export function partitionName({ column, transform, name }: Partition): string {
  return transform === undefined ? column : (name ?? `${column}_${transform}`);
}

/**
 * Type of a column derived from a date or timestamp, in UTC for instants: `year` (2024), `month` (1–12) and `hour` (0–23) are int32,
 * `day` is the date.
 */
export function derivedType(transform: NonNullable<Partition["transform"]>): ColumnType {
  return transform === "day" ? { kind: "date" } : { kind: "int32" };
}

/**
 * The partition columns of a table.
 *
 * @throws `ALV_CONFIG` for a column that is not there, a type that cannot partition, or a derived name that is taken.
 */
export function partitionColumns(
  table: string,
  partitionBy: readonly Partition[],
  schema: Schema,
): readonly PartitionColumn[] {
  const columns: PartitionColumn[] = [];
  for (const partition of partitionBy) {
    const { column, transform } = partition;
    const name = partitionName(partition);
    const field = schema.fields.find((each) => each.name === column);
    const wrong = (why: string): AlluviumError =>
      new AlluviumError("ALV_CONFIG", `table ${table} cannot be partitioned by ${name}: ${why}`, {
        resource: table,
      });
    if (field === undefined)
      throw wrong(`it has no column ${column}, but ${schema.fields.map((each) => each.name).join(", ")}`);
    const { type } = field;
    if (transform === undefined) {
      if (!canPartition(type)) throw wrong(`${type.kind} values do not name partitions`);
    } else {
      const timed = type.kind === "timestamp" || (type.kind === "date" && transform !== "hour");
      if (!timed && type.kind !== "null") throw wrong(`a ${type.kind} has no ${transform}`);
      if (schema.fields.some((each) => each.name.toLowerCase() === name.toLowerCase()))
        throw wrong("a column of that name exists; give the derived one another `name`");
    }
    if (columns.some((each) => each.name.toLowerCase() === name.toLowerCase()))
      throw wrong("it is there twice");
    columns.push({
      name,
      type: transform === undefined ? type : derivedType(transform),
      source: column,
      transform,
    });
  }
  return columns;
}

function canPartition({ kind }: ColumnType): boolean {
  return kind !== "binary" && kind !== "json" && kind !== "list" && kind !== "struct" && kind !== "map";
}
