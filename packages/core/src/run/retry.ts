import { AlluviumError, resourceError } from "../errors.ts";

/** Codes of Node's system and fetch errors after which trying again may help. */
const passing =
  /^(E(CONN(RESET|REFUSED|ABORTED)|PIPE|TIMEDOUT|NETUNREACH|HOSTUNREACH|AI_AGAIN)|UND_ERR_(SOCKET|(CONNECT|HEADERS|BODY)_TIMEOUT))$/;

/** Whether the same work may succeed later: our own errors say so themselves, others by a system code in their chain of causes. */
export function mayPass(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < 8 && typeof current === "object" && current !== null; depth++) {
    if (AlluviumError.is(current)) return current.retryable;
    const { code, cause } = current as { readonly code?: unknown; readonly cause?: unknown };
    if (passing.test(String(code))) return true;
    current = cause;
  }
  return false;
}

/**
 * Milliseconds to wait before attempt `failures + 1`: exponential backoff with full jitter, which spreads many that failed at
 * once over the whole span. Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoff(failures: number, minDelay: number, maxDelay: number): number {
  return Math.round(Math.random() * Math.min(maxDelay, minDelay * 2 ** (failures - 1)));
}

/** Any thrown value as our error, with the place filled in. */
export function asError(
  error: unknown,
  place: { readonly resource?: string; readonly step: string },
): AlluviumError {
  if (AlluviumError.is(error)) return AlluviumError.prototype.at.call(error, place);
  const { resource, step } = place;
  const why = `${resource === undefined ? "" : `${step} failed: `}${messageOf(error)}`;
  return resourceError("ALV_SOURCE_FAILED", resource, why, { step, cause: error, retryable: mayPass(error) });
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
