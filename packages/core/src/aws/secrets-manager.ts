import type * as Sdk from "@aws-sdk/client-secrets-manager";
import { AlluviumError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { awsConfig, missingSdk, type AwsClientLike, type AwsOptions } from "./client.ts";
import { awsError, isAwsError } from "./errors.ts";
import { checkTtl, pickField, rotatingSecret, TTL } from "./rotating.ts";

/** Which secret of Secrets Manager, and how it is kept. */
export interface AwsSecretOptions extends AwsOptions {
  /** Name or ARN of the secret. */
  readonly id: string;
  /** A member of the JSON object that the secret is, such as `password`. @default the whole text */
  readonly field?: string;
  /** The stage of the version. @default "AWSCURRENT" */
  readonly stage?: string;
  /** Milliseconds for which it is kept in memory. A server that refuses it makes the connector ask again at once. @default 300_000 */
  readonly ttl?: number;
}

/**
 * A credential that is kept in AWS Secrets Manager: it can stand wherever a connector takes a secret, and is fetched when it is used. Needs the package
 * `@aws-sdk/client-secrets-manager`, which is loaded with the first use, and the permission `secretsmanager:GetSecretValue` on the secret (with a key of
 * your own also `kms:Decrypt`).
 *
 * Errors come with the use: `ALV_CONFIG` where there is no such secret, version or field, `ALV_AUTH`, `ALV_CONNECTION`, `ALV_MISSING_PACKAGE`. No message
 * holds the value, which also prints as `***`.
 *
 * @example
 * ```ts
 * import { awsSecret } from "@alluvium/core/aws";
 * import { postgres } from "@alluvium/sources/postgres";
 *
 * const shop = postgres({
 *   url: "postgresql://reader@db.example/shop",
 *   password: awsSecret({ id: "prod/shop", field: "password" }),
 *   tables: ["orders"],
 * });
 * ```
 */
export function awsSecret(options: AwsSecretOptions): Secret {
  const { id, field, stage, ttl = TTL } = options;
  if (typeof id !== "string" || id === "")
    throw new AlluviumError("ALV_CONFIG", "awsSecret: id is empty: give the name or ARN of the secret");
  const place = `the secret ${id} of Secrets Manager`;
  let client: AwsClientLike | undefined = options.client;
  return rotatingSecret(
    async () => {
      const sdk = await importSdk();
      client ??= new sdk.SecretsManagerClient({
        ...awsConfig(options, "awsSecret"),
      }) as unknown as AwsClientLike;
      const command = new sdk.GetSecretValueCommand({
        SecretId: id,
        ...(stage !== undefined && { VersionStage: stage }),
      });
      let found: { readonly SecretString?: string; readonly SecretBinary?: Uint8Array };
      try {
        found = (await client.send(command as never)) as typeof found;
      } catch (error) {
        if (isAwsError(error, "ResourceNotFoundException"))
          throw new AlluviumError(
            "ALV_CONFIG",
            `${place} does not exist${stage === undefined ? "" : `, or has no version ${stage}`}: check its name and the region`,
            { cause: error },
          );
        throw awsError(error, `read ${place}`);
      }
      const { SecretString, SecretBinary } = found;
      const text = SecretString ?? (SecretBinary && new TextDecoder().decode(SecretBinary));
      if (text === undefined || text === "") throw new AlluviumError("ALV_CONFIG", `${place} is empty`);
      return pickField(text, field, place);
    },
    checkTtl(ttl, "awsSecret"),
  );
}

async function importSdk(): Promise<typeof Sdk> {
  try {
    return await import("@aws-sdk/client-secrets-manager");
  } catch (cause) {
    throw missingSdk("awsSecret", "@aws-sdk/client-secrets-manager", cause);
  }
}
