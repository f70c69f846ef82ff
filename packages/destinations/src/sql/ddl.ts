import type { Field, Schema } from "@alluvium/core";
import { sameType } from "@alluvium/core/schema";
import type { AlterTableColumnAlterationNode, RootOperationNode } from "kysely";
import type { SqlDialect } from "./dialect.ts";

/** Statements that define tables, in the spelling of a dialect. */
export interface Ddl {
  createTable(table: string, schema: Schema, options?: CreateOptions): string;
  dropTable(table: string): string;
  addColumn(table: string, field: Field): string;
  /** Gives a column another type in place. */
  alterType(table: string, field: Field): string;
  dropNotNull(table: string, column: string): string;
}

/** How a table is created. */
export interface CreateOptions {
  readonly ifNotExists?: boolean;
  readonly primaryKey?: readonly string[];
}

/**
 * Definitions as Kysely compiles them, from its operation nodes: its builders take names apart at dots. Kysely is loaded here and not
 * before.
 */
export async function openDdl(dialect: SqlDialect): Promise<Ddl> {
  const kysely = await import("kysely");
  const { ColumnDefinitionNode, RawNode, TableNode } = kysely;
  const compiler = new kysely.PostgresQueryCompiler();
  const text = (node: RootOperationNode): string => compiler.compileQuery(node, kysely.createQueryId()).sql;
  const tableNode = (table: string): ReturnType<typeof TableNode.create> =>
    dialect.schema === undefined
      ? TableNode.create(table)
      : TableNode.createWithSchema(dialect.schema, table);
  const typeNode = (field: Field): ReturnType<typeof RawNode.createWithSql> =>
    RawNode.createWithSql(dialect.typeName(field.type));
  const definition = (field: Field): ReturnType<typeof ColumnDefinitionNode.create> => {
    const node = ColumnDefinitionNode.create(field.name, typeNode(field));
    return field.nullable ? node : ColumnDefinitionNode.cloneWith(node, { notNull: true });
  };
  const alter = (table: string, alteration: AlterTableColumnAlterationNode): string =>
    text(
      kysely.AlterTableNode.cloneWithColumnAlteration(
        kysely.AlterTableNode.create(tableNode(table)),
        alteration,
      ),
    );
  return {
    createTable(table, schema, { ifNotExists = false, primaryKey } = {}) {
      let node = kysely.CreateTableNode.create(tableNode(table));
      if (ifNotExists) node = kysely.CreateTableNode.cloneWith(node, { ifNotExists });
      for (const field of schema.fields)
        node = kysely.CreateTableNode.cloneWithColumn(node, definition(field));
      if (primaryKey !== undefined)
        node = kysely.CreateTableNode.cloneWithConstraint(
          node,
          kysely.PrimaryKeyConstraintNode.create([...primaryKey]),
        );
      return text(node);
    },
    dropTable: (table) => text(kysely.DropTableNode.create(tableNode(table))),
    addColumn: (table, field) =>
      alter(table, kysely.AddColumnNode.create(definition({ ...field, nullable: true }))),
    alterType: (table, field) =>
      alter(table, kysely.AlterColumnNode.create(field.name, "dataType", typeNode(field))),
    dropNotNull: (table, column) => alter(table, kysely.AlterColumnNode.create(column, "dropNotNull", true)),
  };
}

/** The statements that take a table from the columns it has to those it shall have, which are at least those. */
export function alterStatements(ddl: Ddl, table: string, before: Schema, after: Schema): readonly string[] {
  const known = new Map(before.fields.map((field) => [field.name, field]));
  return after.fields.flatMap((field) => {
    const old = known.get(field.name);
    if (old === undefined) return [ddl.addColumn(table, field)];
    return [
      ...(sameType(old.type, field.type) ? [] : [ddl.alterType(table, field)]),
      ...(field.nullable && !old.nullable ? [ddl.dropNotNull(table, field.name)] : []),
    ];
  });
}
