import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { AlluviumError, type Secret } from "@alluvium/core";
import { awsSecret, ssmParameter, type AwsClientLike } from "@alluvium/core/aws";

/** A client that answers as the test says, and counts. */
function client(answer: () => object | Promise<object>): AwsClientLike & { readonly inputs: unknown[] } {
  const inputs: unknown[] = [];
  return {
    inputs,
    async send(command) {
      inputs.push((command as { readonly input: unknown }).input);
      return answer();
    },
  };
}

const named = (name: string): Error =>
  Object.assign(new Error("of the test"), { name, $metadata: { httpStatusCode: 400 } });

interface Kind {
  readonly make: (
    client: AwsClientLike,
    options?: { readonly ttl?: number; readonly field?: string },
  ) => Secret;
  readonly answer: (text: string) => object;
  readonly missing: string;
}

describe.each<[string, Kind]>([
  [
    "awsSecret",
    {
      make: (given, options) => awsSecret({ id: "prod/shop", client: given, ...options }),
      answer: (text) => ({ SecretString: text }),
      missing: "ResourceNotFoundException",
    },
  ],
  [
    "ssmParameter",
    {
      make: (given, options) => ssmParameter({ name: "/prod/shop", client: given, ...options }),
      answer: (text) => ({ Parameter: { Value: text } }),
      missing: "ParameterNotFound",
    },
  ],
])("%s", (_name, { make, answer, missing }) => {
  test("is fetched at its first use, kept, and fetched anew when it is forgotten", async () => {
    let number = 0;
    const given = client(() => answer(`value ${(number += 1)}`));
    const secret = make(given);
    expect(given.inputs.length).toBe(0);
    expect(await Promise.all([secret.reveal(), secret.reveal()])).toEqual(["value 1", "value 1"]);
    expect(await secret.reveal()).toBe("value 1");
    expect(secret.forget()).toBe(true);
    expect(await secret.reveal()).toBe("value 2");
    expect(given.inputs.length).toBe(2);
  });

  test("is kept for its time only", async () => {
    let number = 0;
    const secret = make(
      client(() => answer(`value ${(number += 1)}`)),
      { ttl: 0 },
    );
    expect([await secret.reveal(), await secret.reveal()]).toEqual(["value 1", "value 2"]);
  });

  test("does not keep a failure", async () => {
    let failing = true;
    const secret = make(
      client(() => {
        if (failing) throw named("InternalServiceError");
        return answer("fine");
      }),
    );
    await expect(secret.reveal()).rejects.toMatchObject({ code: "ALV_CONNECTION" });
    failing = false;
    expect(await secret.reveal()).toBe("fine");
  });

  test("gives a field of a JSON object", async () => {
    const text = '{"password":"hunter2","port":5432,"empty":"","nested":{}}';
    expect(
      await make(
        client(() => answer(text)),
        { field: "password" },
      ).reveal(),
    ).toBe("hunter2");
    expect(
      await make(
        client(() => answer(text)),
        { field: "port" },
      ).reveal(),
    ).toBe("5432");
  });

  test.each([
    ['{"password":"hunter2"}', "user"],
    ['{"password":"hunter2","user":""}', "user"],
    ['{"password":"hunter2","user":{}}', "user"],
    ["hunter2", "user"],
    ['{"password":"hunter2",', "user"],
    ['{"password":"hunter2"}', "toString"],
  ])("never shows what is in it: %s, field %s", async (text, field) => {
    const secret = make(
      client(() => answer(text)),
      { field },
    );
    const error: unknown = await secret.reveal().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ALV_CONFIG" });
    for (const shown of [error, secret, [secret]])
      expect(inspect(shown, { depth: 9, showHidden: true })).not.toContain("hunter2");
  });

  test.each([
    [missing, "ALV_CONFIG", /does not exist/],
    ["AccessDeniedException", "ALV_AUTH", /permission/],
    ["UnrecognizedClientException", "ALV_AUTH", /access key/],
    ["ThrottlingException", "ALV_CONNECTION", /cannot read/],
  ])("tells %s", async (name, code, message) => {
    const secret = make(
      client(() => {
        throw named(name);
      }),
    );
    const error: unknown = await secret.reveal().catch((thrown: unknown) => thrown);
    expect(AlluviumError.is(error) && [error.code, error.message]).toEqual([
      code,
      expect.stringMatching(message),
    ]);
  });
});

test("options that are wrong", () => {
  expect(() => awsSecret({ id: "" })).toThrow(/id is empty/);
  expect(() => ssmParameter({ name: "" })).toThrow(/name is empty/);
  expect(() => awsSecret({ id: "a", ttl: -1 })).toThrow(/ttl is -1/);
});
