import { AlluviumError } from "../errors.ts";
import { revealCredential } from "../secret.ts";
import type { S3Credentials } from "../storage/s3/options.ts";

/** A client of any service of the AWS SDK (version 3), as far as it is used here. */
export interface AwsClientLike {
  /** Sends a command of the SDK. */
  send(command: never, options?: never): Promise<unknown>;
}

/** How a service of AWS is reached. */
export interface AwsOptions {
  /** A client of the service that is set up already. It stays yours, and the other options are not used. */
  readonly client?: AwsClientLike;
  /** @default the SDK's: `AWS_REGION` or the profile */
  readonly region?: string;
  /** Another server than AWS, such as one for tests. @default AWS */
  readonly endpoint?: string;
  /** @default the SDK's chain: environment, profiles, roles */
  readonly credentials?: S3Credentials;
  /** Times that a call is tried by the SDK, with growing and random pauses. @default 6 */
  readonly attempts?: number;
}

/** What the SDK's clients take, by our options. For authors of connectors. */
export interface AwsClientConfig {
  readonly maxAttempts: number;
  readonly region?: string;
  readonly endpoint?: string;
  /** Asked anew before its time is over. @default the SDK's chain */
  readonly credentials?: () => Promise<{
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
    readonly expiration?: Date;
  }>;
}

/**
 * What a client of the SDK is made with. For authors of connectors. `who` stands before the names of options in messages.
 *
 * @example
 * ```ts
 * console.log(awsConfig({ region: "eu-central-1" }, "glue").maxAttempts);
 * ```
 */
export function awsConfig(options: AwsOptions, who: string): AwsClientConfig {
  const { region, endpoint, credentials, attempts = 6 } = options;
  return {
    maxAttempts: attempts,
    // A server that is not AWS has no regions, but signatures name one.
    ...(region !== undefined ? { region } : endpoint === undefined ? {} : { region: "us-east-1" }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && {
      credentials: async () => ({
        accessKeyId: await revealCredential(credentials.accessKeyId, `${who}: accessKeyId`),
        secretAccessKey: await revealCredential(credentials.secretAccessKey, `${who}: secretAccessKey`),
        // Without a time the SDK would never ask again. It does five minutes before.
        expiration: new Date(Date.now() + 600_000),
        ...(credentials.sessionToken !== undefined && {
          sessionToken: await revealCredential(credentials.sessionToken, `${who}: sessionToken`),
        }),
      }),
    }),
  };
}

/** The error for a package of the SDK that is not installed. */
export function missingSdk(what: string, name: string, cause: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_MISSING_PACKAGE",
    `${what} needs the package ${name}, which is not installed: npm install ${name}`,
    { cause },
  );
}
