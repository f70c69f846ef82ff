/**
 * A place for objects (files): a folder, memory, a bucket. Paths are relative to the store's root, `/`-separated, never start
 * with `/`, and are taken to the letter. Errors: `ALV_NOT_FOUND`, `ALV_STORE_FULL`, `ALV_STORE_FAILED`, `ALV_AUTH`.
 */
export interface ObjectStore {
  readonly specVersion: 1;
  /** For people: where this is, without credentials. */
  readonly url: string;
  readonly capabilities: StoreCapabilities;
  /**
   * The bytes of an object, or of `range` of it. `ifMatch`: only of the version with this tag (`ObjectInfo.etag`); where another one stands there now,
   * `ALV_SOURCE_CHANGED`. What one call gives is always of one version. `into`: memory that a store may put the bytes into, at its beginning, if they have
   * room there; what comes back is then a view of it. A store that does not is as good, only slower where much is read.
   */
  get(
    path: string,
    options?: {
      readonly range?: ByteRange;
      readonly ifMatch?: string | undefined;
      readonly into?: Uint8Array | undefined;
    } & StoreCall,
  ): Promise<Uint8Array>;
  /** Size, time and tag of an object; `undefined` when there is none. */
  head(path: string, options?: StoreCall): Promise<ObjectInfo | undefined>;
  /** Creates or replaces an object in one step: readers see the old or the new bytes. Durable only after {@link ObjectStore.sync}. */
  put(path: string, bytes: Uint8Array, options?: StoreCall): Promise<void>;
  /**
   * Creates an object only if there is none, in one step, **durably** (object and directory entry). `false`: it exists already.
   * Readers never see a part of it. Refused with `ALV_STORE_UNSAFE` where the store cannot do this.
   */
  putIfAbsent(path: string, bytes: Uint8Array, options?: StoreCall): Promise<boolean>;
  /** Opens a new object for writing in pieces. Until `complete` it is invisible or incomplete; disposing it before removes it. */
  create(path: string, options?: StoreCall): Promise<ObjectWriter>;
  /** Objects whose path starts with `prefix`, in byte order of their paths, after `startAfter`. Streams: holds no listing whole. */
  list(prefix: string, options?: { readonly startAfter?: string } & StoreCall): AsyncIterable<ObjectInfo>;
  /** Removes objects, durably; absent ones are no error. */
  delete(paths: readonly string[], options?: StoreCall): Promise<void>;
  /** Moves an object in one step, replacing nothing: `false` if the target exists. Only where `capabilities.rename`. Durable after `sync`. */
  rename(from: string, to: string, options?: StoreCall): Promise<boolean>;
  /**
   * Makes an object a copy of another one, without the bytes coming by here, in one step as `put` does: readers see what stood there before or the
   * whole copy. What stands there is replaced, so that a copy that is made again changes nothing. `ALV_NOT_FOUND` where `from` is missing. Durable after
   * `sync`; a loss of power before it leaves what stood there or the whole copy.
   */
  copy(from: string, to: string, options?: StoreCall): Promise<void>;
  /** Makes objects and the directory entries that lead to them survive a loss of power. Nothing to do on object stores. */
  sync(paths: readonly string[], options?: StoreCall): Promise<void>;
  /** The time by the store's own clock. */
  now(options?: StoreCall): Promise<Date>;
}

/** What a store can do. */
export interface StoreCapabilities {
  /** Whether `putIfAbsent` is atomic against other processes and machines. Without it nothing can be committed safely. */
  readonly putIfAbsent: boolean;
  /** Whether `rename` works. Where it does not, `copy` and `delete` do. */
  readonly rename: boolean;
  /** Whether what is written survives a loss of power by itself, so that `sync` has nothing to do and looks at nothing. @default false */
  readonly durable?: boolean;
}

/** Options of every call. */
export interface StoreCall {
  /** Ends the call. */
  readonly signal?: AbortSignal;
}

/** `start` inclusive, `end` exclusive; a negative `start` counts from the end and then `end` is left out. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** What a store knows of an object without reading it. */
export interface ObjectInfo {
  /** Path within the store. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** When it was last written, by the store's clock. */
  readonly modified: Date;
  /** Tells versions of the object apart; stores that have none cannot tell. */
  readonly etag?: string;
}

/** An object being written. */
export interface ObjectWriter extends AsyncDisposable {
  readonly path: string;
  /** Bytes written so far. */
  readonly size: number;
  /** Resolves when there is room for more. The bytes must not change until then. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the object and makes it visible. Durable after {@link ObjectStore.sync}. */
  complete(): Promise<ObjectInfo>;
}
