import { AlluviumError, type ErrorCode } from "../../errors.ts";

/** What an error of the SDK tells. */
interface ServiceError extends Error {
  readonly Code?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

type Meaning = readonly [code: ErrorCode, remedy: string, retryable?: boolean];

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const meanings: { readonly [name: string]: Meaning } = {
  NoSuchBucket: [
    "ALV_NOT_FOUND",
    "there is no such bucket: check its name, the region and the endpoint, or create it",
  ],
  AccessDenied: ["ALV_AUTH", "access is denied: the credentials need the permission for it on this path"],
  AllAccessDisabled: ["ALV_AUTH", "access to the bucket is disabled"],
  InvalidAccessKeyId: ["ALV_AUTH", "the access key is not known: check the credentials"],
  SignatureDoesNotMatch: ["ALV_AUTH", "the secret key does not fit the access key: check the credentials"],
  ExpiredToken: ["ALV_AUTH", "the session token has expired: renew the credentials"],
  InvalidToken: ["ALV_AUTH", "the session token is not valid: renew the credentials"],
  CredentialsProviderError: [
    "ALV_AUTH",
    "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role, or give `credentials`",
  ],
  RequestTimeTooSkewed: ["ALV_AUTH", "the clock of this machine is wrong by more than 15 minutes: set it"],
  RegionMissing: ["ALV_CONFIG", "no region is known: set AWS_REGION, or give `region`"],
  PermanentRedirect: ["ALV_CONFIG", "the bucket is in another region: give `region`"],
  AuthorizationHeaderMalformed: ["ALV_CONFIG", "the bucket is in another region: give `region`"],
  IllegalLocationConstraintException: ["ALV_CONFIG", "the bucket is in another region: give `region`"],
  "KMS.NotFoundException": ["ALV_CONFIG", "there is no such KMS key: check `encryption`"],
  "KMS.DisabledException": ["ALV_CONFIG", "the KMS key is disabled: check `encryption`"],
  QuotaExceeded: ["ALV_STORE_FULL", "the quota is used up: make room"],
  XMinioStorageFull: ["ALV_STORE_FULL", "the server's disks are full: make room"],
  NotImplemented: [
    "ALV_STORE_UNSAFE",
    "the server cannot do this, so that nothing can be committed safely there",
  ],
  EntityTooLarge: ["ALV_STORE_FAILED", "the object is larger than the server takes", false],
};

/** Failures that another try may not meet: of the net, of servers under load, of bodies that were cut. */
const passing: ReadonlySet<string> = new Set([
  "SlowDown",
  "ServiceUnavailable",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "RequestLimitExceeded",
  "BandwidthLimitExceeded",
  "InternalError",
  "RequestTimeout",
  // The SDK corrects its clock by the answer.
  "RequestTimeTooSkewed",
  "TimeoutError",
  "OperationAborted",
  "ConditionalRequestConflict",
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ERR_STREAM_PREMATURE_CLOSE",
  "IncompleteBody",
  "BadDigest",
]);

/** The HTTP status of an answer that was an error, if there was an answer. */
export function statusOf(error: unknown): number | undefined {
  return (error as ServiceError | undefined)?.$metadata?.httpStatusCode;
}

/** What the server calls an error, or the system. */
export function nameOf(error: unknown): string {
  const { name, Code, code } = error as ServiceError;
  return Code ?? (name === "Error" || name === "UnknownError" ? (code ?? name) : (name ?? "error"));
}

/** Whether an error means that there is no such object. */
export function isMissing(error: unknown): boolean {
  const name = nameOf(error);
  if (name === "NoSuchKey" || name === "NotFound") return true;
  return statusOf(error) === 404 && name !== "NoSuchBucket" && name !== "NoSuchUpload";
}

/** Whether the credentials themselves were refused, so that others may do better; not what they may not do. */
export function isRefused(error: unknown): boolean {
  return ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"].includes(
    nameOf(error),
  );
}

/** Whether the same call may succeed later. */
export function mayPass(error: unknown): boolean {
  if (AlluviumError.is(error)) return error.retryable;
  const status = statusOf(error);
  if (status === 429 || (status !== undefined && status >= 500 && status !== 501)) return true;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (passing.has(nameOf(cause)) || passing.has((cause as ServiceError).code ?? "")) return true;
  }
  return false;
}

/** An error of the SDK as ours: what was being done, where, what the server says, and the remedy. */
export function s3Error(error: unknown, doing: string, path: string, url: string): unknown {
  if (AlluviumError.is(error) || !(error instanceof Error)) return error;
  const place = path === "" ? url : `${path} in ${url}`;
  if (isMissing(error))
    return new AlluviumError("ALV_NOT_FOUND", `there is no object ${place}`, { cause: error });
  // The SDK has no name for it.
  const name = error.message === "Region is missing" ? "RegionMissing" : nameOf(error);
  const status = statusOf(error);
  const [code, remedy, retryable] =
    meanings[name] ??
    (status === 401 || status === 403
      ? meanings["AccessDenied"]!
      : status === 301
        ? meanings["PermanentRedirect"]!
        : status === 501
          ? meanings["NotImplemented"]!
          : status === 507
            ? meanings["QuotaExceeded"]!
            : ([
                "ALV_STORE_FAILED",
                error.message === "" ? "it failed" : error.message,
                mayPass(error),
              ] as const));
  return new AlluviumError(code, `cannot ${doing} ${place} (${name}): ${remedy}`, {
    cause: error,
    ...(retryable !== undefined && { retryable }),
  });
}
