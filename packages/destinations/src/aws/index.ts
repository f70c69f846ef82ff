/**
 * What AWS gives beside the bucket: commits through DynamoDB where the store has no conditional puts, and the Glue Data Catalog.
 *
 * @module destinations/aws
 */
export { dynamoDbLogStore, type DynamoDbLogStoreOptions } from "./log-store.ts";
export { glueCatalog, type GlueCatalogOptions } from "./glue.ts";
