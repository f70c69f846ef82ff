/**
 * Works with a resource and disposes it. An error of the work is thrown as it is: `await using` would wrap it, if disposing fails
 * too, in an error that nobody can tell apart.
 */
export async function closing<Resource extends AsyncDisposable, Result>(
  resource: Resource,
  work: (resource: Resource) => Promise<Result>,
): Promise<Result> {
  let result: Result;
  try {
    result = await work(resource);
  } catch (error) {
    try {
      await resource[Symbol.asyncDispose]();
    } catch {
      // The first error matters.
    }
    throw error;
  }
  await resource[Symbol.asyncDispose]();
  return result;
}
