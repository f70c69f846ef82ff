import { AlluviumError } from "../errors.ts";

/** Codes of Node's system and fetch errors after which trying again may help. */
const passingCodes = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** Whether the same work may succeed later: our own errors say so themselves, others by a system code in their chain of causes. */
export function mayPass(error: unknown): boolean {
  if (AlluviumError.is(error)) return error.retryable;
  let current = error;
  for (let depth = 0; depth < 8 && typeof current === "object" && current !== null; depth++) {
    if (AlluviumError.is(current)) return current.retryable;
    if ("code" in current && passingCodes.has(String(current.code))) return true;
    current = "cause" in current ? current.cause : undefined;
  }
  return false;
}

/**
 * Milliseconds to wait before attempt `failures + 1`: exponential backoff with full jitter, which spreads many that failed at
 * once over the whole span. Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoff(
  failures: number,
  delays: { readonly minDelay: number; readonly maxDelay: number },
  random: () => number = Math.random,
): number {
  return Math.round(random() * Math.min(delays.maxDelay, delays.minDelay * 2 ** (failures - 1)));
}

/** Waits; rejects with `signal.reason`. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Any thrown value as our error, with the place filled in. */
export function asError(
  error: unknown,
  place: { readonly resource: string; readonly step: string },
): AlluviumError {
  if (AlluviumError.is(error)) return AlluviumError.prototype.at.call(error, place);
  const message = error instanceof Error ? error.message : String(error);
  return new AlluviumError("ALV_SOURCE_FAILED", `${place.resource}: ${message}`, {
    ...place,
    cause: error,
    retryable: mayPass(error),
  });
}
