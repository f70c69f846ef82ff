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

/** An open gate. */
export function createGate(): Gate {
  let inside = 0;
  let closed = false;
  const queue: { readonly alone: boolean; readonly enter: () => void }[] = [];

  function admit(): void {
    for (let head = queue[0]; head !== undefined && !closed; head = queue[0]) {
      if (head.alone && inside > 0) return;
      queue.shift();
      inside += 1;
      closed = head.alone;
      head.enter();
    }
  }

  async function pass<Result>(alone: boolean, work: () => Promise<Result>): Promise<Result> {
    await new Promise<void>((enter) => {
      queue.push({ alone, enter });
      admit();
    });
    try {
      return await work();
    } finally {
      inside -= 1;
      if (alone) closed = false;
      admit();
    }
  }

  return { shared: (work) => pass(false, work), alone: (work) => pass(true, work) };
}
