import { randomBytes } from "node:crypto";
import type { Schema } from "@alluvium/core";
import type { SqlSegment } from "../sql/engine.ts";
import { lockNumber, tryLock, unlock } from "./advisory-lock.ts";
import type { PgConnection } from "./connection.ts";
import { encodeCopy } from "./copy/encode.ts";
import { identifier, relationName } from "./sql.ts";
import { typeName } from "./types.ts";

/** Tables of this name hold rows that are not committed: `_alv_stage_<session>_<number>`. */
const PREFIX = "_alv_stage_";
const NAME = /^_alv_stage_([0-9a-f]{16})_\d+$/;

/** Where a session stages rows: unlogged tables beside those that they are for. They outlive a connection that breaks, but not the server's crash. */
export interface Staging {
  /** Says to others that the session lives; for each connection that it gets. */
  claim(): Promise<void>;
  /** Opens a segment; in a transaction one that ends with it. */
  stage(schema: Schema, inTransaction: boolean): Promise<SqlSegment>;
  /** Whether all that is staged is still there. */
  isWhole(): Promise<boolean>;
  /** Drops what dead sessions left in the schema. */
  sweep(): Promise<void>;
  /** Drops what this session left. */
  clear(): Promise<void>;
}

/** Staging of one session. `connection` gives the one that is in use. */
export function createStaging(
  connection: () => PgConnection,
  options: { readonly schema: string; readonly json: "jsonb" | "json" },
): Staging {
  const { schema, json } = options;
  const session = randomBytes(8).toString("hex");
  const open = new Map<string, { readonly rows: () => number }>();
  let count = 0;
  const drop = async (relation: string): Promise<void> => {
    await connection().query(`drop table if exists ${relation}`, [], { step: "clean" });
  };

  return {
    async claim() {
      await tryLock(connection(), lockNumber("stage", session));
    },
    async stage({ fields }, inTransaction) {
      const name = `${PREFIX}${session}_${count++}`;
      const relation = relationName({ schema: inTransaction ? "pg_temp" : schema, name });
      const columns = fields
        .map((field) => `${identifier(field.name)} ${typeName(field.type, json)}`)
        .join(", ");
      await connection().query(
        inTransaction
          ? `create temporary table ${relation} (${columns}) on commit drop`
          : `create unlogged table ${relation} (${columns}) with (autovacuum_enabled = off)`,
      );
      const list = fields.map((field) => identifier(field.name)).join(", ");
      let bytes = 0;
      let rows = 0;
      if (!inTransaction) open.set(name, { rows: () => rows });
      return {
        schema: { fields },
        relation,
        get bytes() {
          return bytes;
        },
        async append(batch, call) {
          if (batch.length === 0) return;
          const sent = batch.columns.map((vector, i) => ({ name: fields[i]!.name, vector }));
          let size = 0;
          await connection().copy(
            `copy ${relation} (${list}) from stdin (format binary)`,
            function* (take) {
              for (const message of encodeCopy(sent, batch.length, { table: name, json }, take)) {
                size += message.length;
                yield message;
              }
            },
            { signal: call?.signal },
          );
          bytes += size;
          rows += batch.length;
        },
        async seal() {},
        async drop() {
          // One of a transaction goes with it.
          if (open.delete(name)) await drop(relation);
        },
      };
    },
    async isWhole() {
      for (const [name, { rows }] of open) {
        const relation = relationName({ schema, name });
        const { rows: found } = await connection().query("select to_regclass($1) is not null as there", [
          relation,
        ]);
        if (found[0]!["there"] !== "t") return false;
        if (rows() === 0) continue;
        // A crash of the server empties unlogged tables without a word: one row stands for all of them.
        const { rows: some } = await connection().query(`select 1 as one from ${relation} limit 1`);
        if (some.length === 0) return false;
      }
      return true;
    },
    async sweep() {
      const { rows } = await connection().query(
        `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = $1 and c.relkind = 'r' and starts_with(c.relname, $2) and pg_has_role(c.relowner, 'usage')`,
        [schema, PREFIX],
        { step: "recover" },
      );
      const sessions = Map.groupBy(
        rows.map(({ name }) => name!),
        (name) => NAME.exec(name)?.[1],
      );
      for (const [owner, names] of sessions) {
        if (owner === undefined || owner === session) continue;
        const lock = lockNumber("stage", owner);
        if (!(await tryLock(connection(), lock))) continue;
        try {
          for (const name of names) await drop(relationName({ schema, name }));
        } finally {
          await unlock(connection(), lock);
        }
      }
    },
    async clear() {
      const names = [...open.keys()];
      open.clear();
      for (const name of names) await drop(relationName({ schema, name }));
      await unlock(connection(), lockNumber("stage", session));
    },
  };
}
