import type { ObjectStore } from "@alluvium/core";

/** What makes commits exclusive where the store itself cannot: see `dynamoDbLogStore` of `@alluvium/destinations/aws`. */
export interface LogStore {
  /**
   * The store with exclusive commits. Every writer **and** reader of the lake has to go through it: a version whose writer was stopped in the middle is
   * finished by whoever comes next. `deltaTable({ store: logStore.over(store), path })` reads a table.
   */
  over(store: ObjectStore): ObjectStore;
}
