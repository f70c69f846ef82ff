import type { Destination, DestinationSession, Load } from "@alluvium/core";

/** A step of a destination: what was called, and whether its effect has happened. */
export interface Step {
  readonly call: "recover" | "begin" | "add" | "write" | "mark" | "rollback" | "commit";
  readonly when: "before" | "after";
  readonly stream?: string;
  /** Of a mark. */
  readonly seal?: boolean;
}

/** A destination that asks before and after each call whether to go on; what `onStep` throws is the call's failure. */
export function faultyDestination<D extends Destination>(
  destination: D,
  onStep: (step: Step) => void | Promise<void>,
): D {
  return {
    ...destination,
    open: async (context) => faultySession(await destination.open(context), onStep),
  };
}

function faultySession(
  session: DestinationSession,
  onStep: (step: Step) => void | Promise<void>,
): DestinationSession {
  const around = async <Result>(
    call: Step["call"],
    work: () => Promise<Result>,
    more: Pick<Step, "stream" | "seal"> = {},
  ): Promise<Result> => {
    const at = { call, ...more };
    await onStep({ ...at, when: "before" });
    const result = await work();
    await onStep({ ...at, when: "after" });
    return result;
  };
  const faultyLoad = (load: Load): Load => ({
    ...load,
    add: (table) => around("add", () => load.add(table), { stream: table.stream }),
    write: (table, batch, options) =>
      around("write", () => load.write(table, batch, options), { stream: table }),
    mark: (stream, options) =>
      around("mark", () => load.mark(stream, options), { stream, seal: options.seal }),
    rollback: (stream, options) => around("rollback", () => load.rollback(stream, options), { stream }),
    commit: (next, options) => around("commit", () => load.commit(next, options)),
  });
  return {
    ...session,
    recover: (options) => around("recover", () => session.recover(options)),
    begin: async (plan) => faultyLoad(await around("begin", () => session.begin(plan))),
  };
}
