import { inspect } from "node:util";
import { expect, test, vi } from "vitest";
import { env, revealCredential, Secret } from "../src/secret.ts";

test("a secret never shows itself", async () => {
  const secret = new Secret(() => "hunter2");
  const options = { url: secret, list: [secret] };
  for (const text of [
    `${secret as unknown as string}`,
    String(secret),
    JSON.stringify(options),
    inspect(options, { depth: 9, showHidden: true }),
    inspect(secret),
    Object.entries(secret).join(),
    JSON.stringify(Object.assign({}, secret)),
  ])
    expect(text).not.toContain("hunter2");
  expect(`${secret as unknown as string}`).toBe("***");
  expect(JSON.stringify(options)).toBe('{"url":"***","list":["***"]}');
  expect(inspect(options)).toBe("{ url: ***, list: [ *** ] }");
  expect(await secret.reveal()).toBe("hunter2");
});

test("env reads its variable when it is used, and names it when it is missing", async () => {
  const secret = env("ALLUVIUM_TEST_URL");
  await expect(secret.reveal()).rejects.toMatchObject({
    code: "ALV_CONFIG",
    message: expect.stringContaining("ALLUVIUM_TEST_URL is not set"),
  });
  vi.stubEnv("ALLUVIUM_TEST_URL", "");
  await expect(secret.reveal()).rejects.toThrow(/ALLUVIUM_TEST_URL is empty/);
  vi.stubEnv("ALLUVIUM_TEST_URL", "postgres://a");
  expect(await secret.reveal()).toBe("postgres://a");
});

test("a credential is a text, a secret or a function, asked at each use", async () => {
  let turn = 0;
  const rotating = async (): Promise<string> => `token ${++turn}`;
  expect(await revealCredential("plain", "token")).toBe("plain");
  expect(await revealCredential(new Secret(() => "hidden"), "token")).toBe("hidden");
  expect(await revealCredential(rotating, "token")).toBe("token 1");
  expect(await revealCredential(rotating, "token")).toBe("token 2");
  await expect(revealCredential("", "token")).rejects.toThrow("token is empty");
  await expect(revealCredential((() => 5) as never, "token")).rejects.toThrow("token is no credential");
});
