import type { StreamState } from "../state/state.ts";
import type { Stream } from "../stream.ts";
import { refused } from "./plan-checks.ts";

/** The cursor that the state holds of a stream; `undefined`: none. */
export function storedCursor({ name, cursor }: Stream, stored: StreamState | undefined): unknown {
  if (stored === undefined || stored.cursor === null) return undefined;
  if (stored.cursorVersion > cursor.version)
    throw refused(
      name,
      `its stored cursor has version ${stored.cursorVersion}, this version of the source reads up to ${cursor.version}: update it`,
      "ALV_STATE_INVALID",
    );
  return cursor.decode(stored.cursor, stored.cursorVersion);
}
