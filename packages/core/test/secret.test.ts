import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { AlluviumError } from "../src/errors.ts";
import { env, revealCredential, Secret, withFreshCredentials } from "../src/secret.ts";

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

describe("credentials that a server refuses", () => {
  const refused = (code: "ALV_AUTH" | "ALV_CONNECTION") => {
    let opened = 0;
    return {
      opened: () => opened,
      open: () => {
        opened += 1;
        return Promise.reject(new AlluviumError(code, "no"));
      },
    };
  };

  test("are asked for once more where they may be others by then", async () => {
    let value = "old";
    const kept = new Secret(
      () => value,
      () => void (value = "new"),
    );
    const open = async (): Promise<string> => {
      const text = await kept.reveal();
      if (text === "old") throw new AlluviumError("ALV_AUTH", "no");
      return text;
    };
    expect(await withFreshCredentials(["text", undefined, kept], open)).toBe("new");
  });

  test.each<[string, "ALV_AUTH" | "ALV_CONNECTION", Parameters<typeof withFreshCredentials>[0], number]>([
    ["a text", "ALV_AUTH", ["text", env("X")], 1],
    ["a function", "ALV_AUTH", [() => "text"], 2],
    ["another failure", "ALV_CONNECTION", [() => "text"], 1],
  ])("%s", async (_what, code, credentials, times) => {
    const { open, opened } = refused(code);
    await expect(withFreshCredentials(credentials, open)).rejects.toMatchObject({ code });
    expect(opened()).toBe(times);
  });
});
