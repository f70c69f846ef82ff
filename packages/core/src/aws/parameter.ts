import type * as Sdk from "@aws-sdk/client-ssm";
import { AlluviumError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { awsConfig, missingSdk, type AwsClientLike, type AwsOptions } from "./client.ts";
import { awsError, isAwsError } from "./errors.ts";
import { checkTtl, pickField, rotatingSecret, TTL } from "./rotating.ts";

/** Which parameter of Systems Manager, and how it is kept. */
export interface SsmParameterOptions extends AwsOptions {
  /** Name or ARN of the parameter; `name:3` is its third version, `name:label` one with a label. */
  readonly name: string;
  /** A member of the JSON object that the parameter is. @default the whole text */
  readonly field?: string;
  /** Milliseconds for which it is kept in memory. A server that refuses it makes the connector ask again at once. @default 300_000 */
  readonly ttl?: number;
}

/**
 * A credential that is kept as a parameter of AWS Systems Manager (`SecureString`s are decrypted): it can stand wherever a connector takes a secret, and is
 * fetched when it is used. Needs the package `@aws-sdk/client-ssm`, which is loaded with the first use, and the permission `ssm:GetParameter` on the
 * parameter (with a key of your own also `kms:Decrypt`).
 *
 * Errors come with the use: `ALV_CONFIG` where there is no such parameter or field, `ALV_AUTH`, `ALV_CONNECTION`, `ALV_MISSING_PACKAGE`. No message holds
 * the value, which also prints as `***`.
 *
 * @example
 * ```ts
 * import { ssmParameter } from "@alluvium/core/aws";
 * import { postgres } from "@alluvium/sources/postgres";
 *
 * const shop = postgres({ url: ssmParameter({ name: "/prod/shop/url" }), tables: ["orders"] });
 * ```
 */
export function ssmParameter(options: SsmParameterOptions): Secret {
  const { name, field, ttl = TTL } = options;
  if (typeof name !== "string" || name === "")
    throw new AlluviumError(
      "ALV_CONFIG",
      "ssmParameter: name is empty: give the name or ARN of the parameter",
    );
  const place = `the parameter ${name} of Systems Manager`;
  let client: AwsClientLike | undefined = options.client;
  return rotatingSecret(
    async () => {
      const sdk = await importSdk();
      client ??= new sdk.SSMClient({ ...awsConfig(options, "ssmParameter") }) as unknown as AwsClientLike;
      let found: { readonly Parameter?: { readonly Value?: string } };
      try {
        const command = new sdk.GetParameterCommand({ Name: name, WithDecryption: true });
        found = (await client.send(command as never)) as typeof found;
      } catch (error) {
        if (isAwsError(error, "ParameterNotFound", "ParameterVersionNotFound"))
          throw new AlluviumError("ALV_CONFIG", `${place} does not exist: check its name and the region`, {
            cause: error,
          });
        throw awsError(error, `read ${place}`);
      }
      const text = found.Parameter?.Value;
      if (text === undefined || text === "") throw new AlluviumError("ALV_CONFIG", `${place} is empty`);
      return pickField(text, field, place);
    },
    checkTtl(ttl, "ssmParameter"),
  );
}

async function importSdk(): Promise<typeof Sdk> {
  try {
    return await import("@aws-sdk/client-ssm");
  } catch (cause) {
    throw missingSdk("ssmParameter", "@aws-sdk/client-ssm", cause);
  }
}
