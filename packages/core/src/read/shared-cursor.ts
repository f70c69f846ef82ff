import { members, unreadable } from "../cursor/column-cursor.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { Json } from "../state/json.ts";
import type { CursorCodec } from "../stream.ts";

/** The cursor of each resource that shares a stream, by its name. */
export type SharedCursor = ReadonlyMap<string, unknown>;

/**
 * Stores {@link SharedCursor}s: `{ cursors: [{ version, value }], resources: { name: index } }`, so that what many resources share is
 * stored once.
 */
export function sharedCursorCodec(inner: CursorCodec): CursorCodec<SharedCursor> {
  return {
    version: 1,
    encode: (cursor) => {
      const cursors = new Map<string, { readonly at: number; readonly encoded: Json }>();
      const resources = Array.from(cursor, ([name, value]): [string, number] => {
        const encoded: Json = { version: inner.version, value: inner.encode(value) };
        const text = canonicalJson(encoded);
        const { at } = cursors.get(text) ?? { at: cursors.size };
        cursors.set(text, { at, encoded });
        return [name, at];
      });
      return {
        cursors: Array.from(cursors.values(), ({ encoded }) => encoded),
        resources: Object.fromEntries(resources),
      };
    },
    decode: (json, version) => {
      const { cursors, resources } = members(json);
      if (version !== 1 || !Array.isArray(cursors) || resources === undefined)
        throw unreadable(json, version);
      const decoded = cursors.map((one: Json) => {
        const { version: innerVersion, value } = members(one);
        if (typeof innerVersion !== "number" || value === undefined || innerVersion > inner.version)
          throw unreadable(json, version);
        return inner.decode(value, innerVersion);
      });
      return new Map(
        Object.entries(members(resources)).map(([name, at]) => {
          if (typeof at !== "number" || at >= decoded.length) throw unreadable(json, version);
          return [name, decoded[at]];
        }),
      );
    },
  };
}
