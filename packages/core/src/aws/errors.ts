import { AlluviumError, type ErrorCode } from "../errors.ts";
import { mayPass, nameOf, statusOf } from "../storage/s3/errors.ts";

type Meaning = readonly [code: ErrorCode, remedy: string];

/** Source: https://docs.aws.amazon.com/awssupport/latest/user/common-errors.html and the pages of errors of the services. */
const meanings: { readonly [name: string]: Meaning } = {
  AccessDeniedException: ["ALV_AUTH", "access is denied: the credentials need the permission for it"],
  AccessDenied: ["ALV_AUTH", "access is denied: the credentials need the permission for it"],
  NotAuthorized: ["ALV_AUTH", "access is denied: the credentials need the permission for it"],
  UnrecognizedClientException: ["ALV_AUTH", "the access key is not known: check the credentials"],
  InvalidClientTokenId: ["ALV_AUTH", "the access key is not known: check the credentials"],
  InvalidSignatureException: [
    "ALV_AUTH",
    "the signature does not fit: check the secret key, and the clock of this machine",
  ],
  IncompleteSignature: ["ALV_AUTH", "the signature does not fit: check the secret key"],
  ExpiredTokenException: ["ALV_AUTH", "the session token has expired: renew the credentials"],
  ExpiredToken: ["ALV_AUTH", "the session token has expired: renew the credentials"],
  CredentialsProviderError: [
    "ALV_AUTH",
    "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role, or give `credentials`",
  ],
  RegionMissing: ["ALV_CONFIG", "no region is known: set AWS_REGION, or give `region`"],
};

/** Whether an error of the SDK has one of these names. For authors of connectors. */
export function isAwsError(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(nameOf(error));
}

/**
 * An error of the SDK as ours: what was being done, what the service says, and the remedy. `ALV_AUTH`, `ALV_CONFIG`, or `ALV_CONNECTION`, retryable where
 * another try may do better. What is ours already comes back as it is. For authors of connectors.
 *
 * @param doing What was being done, to stand after "cannot": `read the table shop of Glue`.
 */
export function awsError(error: unknown, doing: string): unknown {
  if (AlluviumError.is(error) || !(error instanceof Error)) return error;
  // The SDK has no name for it.
  const name = error.message === "Region is missing" ? "RegionMissing" : nameOf(error);
  const status = statusOf(error);
  const [code, remedy] =
    meanings[name] ?? (status === 401 || status === 403 ? meanings["AccessDenied"]! : []);
  if (code !== undefined)
    return new AlluviumError(code, `cannot ${doing} (${name}): ${remedy}`, { cause: error });
  const said = error.message === "" ? "it failed" : error.message;
  return new AlluviumError("ALV_CONNECTION", `cannot ${doing} (${name}): ${said}`, {
    cause: error,
    retryable: mayPass(error) || name === "ProvisionedThroughputExceededException",
  });
}
