import type * as Sdk from "@aws-sdk/client-s3";
import { AlluviumError } from "../../errors.ts";
import { forgetCredentials, revealCredential } from "../../secret.ts";
import { isRefused } from "./errors.ts";
import type { S3ClientLike, S3StoreOptions } from "./options.ts";
import { ATTEMPTS, retrying } from "./retry.ts";

/** The SDK's commands, and a client to send them with. */
export interface Bucket {
  readonly sdk: typeof Sdk;
  readonly name: string;
  /** Sends a command; again where that may help, if the client is ours. Ended by the signal. `onFailed`: told of each try that failed. */
  readonly send: <Input extends object, Output extends object>(
    command: Command<Input, Output>,
    signal: AbortSignal | undefined,
    onFailed?: () => void,
  ) => Promise<Output>;
}

/** A command of the SDK by what it takes and gives. */
interface Command<Input extends object, Output extends object> {
  readonly input: Input;
  readonly resolveMiddleware: (...parts: never[]) => (...parts: never[]) => Promise<{ output: Output }>;
}

interface Sender {
  send(command: unknown, options: { readonly abortSignal: AbortSignal | undefined }): Promise<never>;
}

/** How long the SDK keeps credentials, which it asks for again five minutes before they expire. */
const KEPT = 600_000;

/** Loads the SDK with the first call, and makes the client unless there is one. */
export function openBucket(name: string, options: S3StoreOptions): () => Promise<Bucket> {
  let opened: Promise<Bucket> | undefined;
  return () =>
    (opened ??= open(name, options).catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}

async function open(name: string, options: S3StoreOptions): Promise<Bucket> {
  const sdk = await importSdk();
  let client = options.client ?? makeClient(sdk, options);
  // Whoever brings a client says how often it tries.
  const attempts = options.client === undefined ? (options.attempts ?? ATTEMPTS) : 1;
  return {
    sdk,
    name,
    async send(command, signal, onFailed) {
      const send = (by: S3ClientLike): Promise<never> =>
        retrying({ attempts, signal }, async () => {
          try {
            return await (by as unknown as Sender).send(command, { abortSignal: signal });
          } catch (error) {
            onFailed?.();
            throw error;
          }
        });
      const used = client;
      try {
        return await send(used);
      } catch (error) {
        if (options.client !== undefined || !isRefused(error)) throw error;
        // Another call may have asked for the credentials anew already.
        if (used === client) {
          const { accessKeyId, secretAccessKey, sessionToken } = options.credentials ?? {};
          if (!forgetCredentials([accessKeyId, secretAccessKey, sessionToken])) throw error;
          client = makeClient(sdk, options);
        }
        return send(client);
      }
    },
  };
}

async function importSdk(): Promise<typeof Sdk> {
  try {
    return await import("@aws-sdk/client-s3");
  } catch (cause) {
    throw new AlluviumError(
      "ALV_CONFIG",
      "S3 needs the package @aws-sdk/client-s3, which is not installed: npm install @aws-sdk/client-s3",
      { cause },
    );
  }
}

function makeClient(sdk: typeof Sdk, options: S3StoreOptions): S3ClientLike {
  const { region, endpoint, credentials, timeout = 30_000 } = options;
  const { forcePathStyle = endpoint !== undefined } = options;
  return new sdk.S3Client({
    // Tries are counted in one place.
    maxAttempts: 1,
    forcePathStyle,
    // A server that is not AWS has no regions, but signatures name one.
    ...(region !== undefined ? { region } : endpoint === undefined ? {} : { region: "us-east-1" }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && {
      credentials: async () => ({
        accessKeyId: await revealCredential(credentials.accessKeyId, "s3: accessKeyId"),
        secretAccessKey: await revealCredential(credentials.secretAccessKey, "s3: secretAccessKey"),
        // Without a time it would never ask again, and miss that they were rotated.
        expiration: new Date(Date.now() + KEPT),
        ...(credentials.sessionToken !== undefined && {
          sessionToken: await revealCredential(credentials.sessionToken, "s3: sessionToken"),
        }),
      }),
    }),
    requestHandler: {
      connectionTimeout: Math.min(timeout, 10_000),
      requestTimeout: timeout,
      // Of answers that begin and stand still.
      socketTimeout: timeout,
      throwOnRequestTimeout: true,
    },
  }) as unknown as S3ClientLike;
}
