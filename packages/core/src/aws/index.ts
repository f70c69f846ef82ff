/**
 * What several connectors share on AWS: credentials that are kept in Secrets Manager or in parameters of Systems Manager, and how clients of the SDK are
 * made and their errors told.
 *
 * @module core/aws
 */
export { awsSecret, type AwsSecretOptions } from "./secrets-manager.ts";
export { ssmParameter, type SsmParameterOptions } from "./parameter.ts";
export { awsConfig, type AwsClientConfig, type AwsClientLike, type AwsOptions } from "./client.ts";
export { awsError, isAwsError } from "./errors.ts";
