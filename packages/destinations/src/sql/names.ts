/** Tables that sessions keep beside the data. */
export const systemTables = {
  /** A row for each pipeline and lane: its state. */
  state: "_alv_state",
  /** A row for each table and each pipeline and lane that writes it. */
  tables: "_alv_tables",
  /** A row for each load. */
  loads: "_alv_loads",
  /** A row for each table that is set aside. */
  parked: "_alv_parked",
} as const;

/** Columns that staged changes have beside those of their table. */
export const stagedColumns = {
  /** 64-bit integer: the row's number in the order of writing. */
  number: "_alv_number",
  /** 64-bit integer: the change's ordinal. */
  ordinal: "_alv_ordinal",
  /** 16-bit integer: one of `ChangeOp`. */
  op: "_alv_op",
  /** Binary, a bit for each column of the table's in the segment, least significant first: set where the change does not hold the cell. */
  unchanged: "_alv_unchanged",
  /** With a number: a column of the key that a moved row had before. */
  oldKey: "_alv_old_",
} as const;
