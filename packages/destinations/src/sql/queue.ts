/** Runs one piece of work after another, in the order of asking, whatever becomes of those before. */
export interface Queue {
  <Result>(work: () => Promise<Result>): Promise<Result>;
}

/** A queue for what one connection can do only once at a time. */
export function openQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
}
