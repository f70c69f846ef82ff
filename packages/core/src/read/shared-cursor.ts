import { AlluviumError } from "../errors.ts";
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
      const cursors: Json[] = [];
      const texts: string[] = [];
      const resources: Record<string, number> = Object.create(null) as Record<string, number>;
      for (const [name, value] of cursor) {
        const encoded: Json = { version: inner.version, value: inner.encode(value) };
        const text = canonicalJson(encoded);
        let at = texts.indexOf(text);
        if (at < 0) {
          at = texts.push(text) - 1;
          cursors.push(encoded);
        }
        resources[name] = at;
      }
      return { cursors, resources: Object.fromEntries(Object.entries(resources)) };
    },
    decode: (json, version) => {
      const { cursors, resources } = (json ?? {}) as { readonly [key: string]: Json };
      if (version !== 1 || !Array.isArray(cursors) || typeof resources !== "object" || resources === null)
        throw damaged(json, version);
      const decoded = cursors.map((one: Json) => {
        const { version: innerVersion, value } = (one ?? {}) as { readonly [key: string]: Json };
        if (typeof innerVersion !== "number" || value === undefined || innerVersion > inner.version)
          throw damaged(json, version);
        return inner.decode(value, innerVersion);
      });
      return new Map(
        Object.entries(resources).map(([name, at]) => {
          if (typeof at !== "number" || at >= decoded.length) throw damaged(json, version);
          return [name, decoded[at]];
        }),
      );
    },
  };
}

function damaged(json: Json, version: number): AlluviumError {
  return new AlluviumError(
    "ALV_STATE_INVALID",
    `the stored cursor of version ${version} cannot be read: it is damaged, or a newer version of Alluvium wrote it: ${JSON.stringify(json).slice(0, 200)}`,
  );
}
