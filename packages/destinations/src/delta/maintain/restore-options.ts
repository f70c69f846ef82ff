import type { CareOptions } from "./target.ts";

/** What `restore` makes current again. */
export interface RestoreOptions extends CareOptions {
  /** This version. Give it or `timestamp`. */
  readonly version?: number;
  /** The version that was the newest at this time. */
  readonly timestamp?: Date;
  /**
   * For tables of a lake: the pipeline's cursor goes back with the table, so that its next run brings again what it had loaded since that
   * version. Without it those rows stay away: the next run goes on where the last one ended. A stream that feeds several tables cannot
   * be rewound by one of them (`ALV_UNSUPPORTED`): its rows would come twice to the others. @default false
   */
  readonly rewind?: boolean;
}

/** What `restore` did. */
export interface RestoreResult {
  /** The version whose rows the table has now. */
  readonly restored: number;
  /** The version that it committed; `undefined` where the table had these rows already. */
  readonly version: number | undefined;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  /** With `rewind`: where the cursor went back to. */
  readonly rewound: Rewound | undefined;
}

/** A cursor that went back. */
export interface Rewound {
  readonly pipeline: string;
  readonly lane: string;
  readonly stream: string;
  /** The load whose cursor the stream has again; `undefined`: none, it is read from its start. */
  readonly loadId: string | undefined;
}
