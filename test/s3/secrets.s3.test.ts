import { randomBytes } from "node:crypto";
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { expect, inject, test } from "vitest";
import { awsSecret, ssmParameter } from "@alluvium/core/aws";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const name = `shop-${randomBytes(6).toString("hex")}`;

test("a secret of Secrets Manager, rotated", async () => {
  const endpoint = inject("s3").ministack;
  const manager = new SecretsManagerClient({ endpoint, credentials, region: "us-east-1" });
  await manager.send(new CreateSecretCommand({ Name: name, SecretString: '{"password":"first"}' }));
  const secret = awsSecret({ id: name, field: "password", endpoint, credentials });
  const before = awsSecret({ id: name, field: "password", stage: "AWSPREVIOUS", endpoint, credentials });
  expect(await secret.reveal()).toBe("first");
  await manager.send(new PutSecretValueCommand({ SecretId: name, SecretString: '{"password":"second"}' }));
  expect(await secret.reveal()).toBe("first");
  secret.forget();
  expect(await secret.reveal()).toBe("second");
  expect(await before.reveal()).toBe("first");
  await expect(awsSecret({ id: `${name}-none`, endpoint, credentials }).reveal()).rejects.toMatchObject({
    code: "ALV_CONFIG",
  });
});

test("a SecureString of Systems Manager, rotated", async () => {
  const endpoint = inject("s3").ministack;
  const ssm = new SSMClient({ endpoint, credentials, region: "us-east-1" });
  const put = (Value: string): Promise<unknown> =>
    ssm.send(new PutParameterCommand({ Name: `/${name}`, Value, Type: "SecureString", Overwrite: true }));
  await put("first");
  const secret = ssmParameter({ name: `/${name}`, endpoint, credentials });
  expect(await secret.reveal()).toBe("first");
  await put("second");
  secret.forget();
  expect(await secret.reveal()).toBe("second");
  await expect(ssmParameter({ name: `/${name}-none`, endpoint, credentials }).reveal()).rejects.toMatchObject(
    { code: "ALV_CONFIG" },
  );
});
