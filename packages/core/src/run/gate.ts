import { createBudget } from "./budget.ts";

/**
 * Lets many in at once, or one alone. Those who come after somebody who waits to be alone wait behind them, so that a commit is
 * never put off by a steady flow of writes.
 */
export interface Gate {
  /** Runs `work` beside other shared work. */
  shared<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Runs `work` with nobody else inside. */
  alone<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** An open gate: a budget of which shared work takes next to nothing and work that wants to be alone everything. */
export function createGate(): Gate {
  const room = createBudget(2 ** 32);
  async function pass<Result>(share: number, work: () => Promise<Result>): Promise<Result> {
    const leave = await room.take(share);
    try {
      return await work();
    } finally {
      leave();
    }
  }
  return { shared: (work) => pass(1, work), alone: (work) => pass(Infinity, work) };
}
