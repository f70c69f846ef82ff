/** The options of each destination of a kind that was built here, for reading back what it loads. */
export interface KnownOptions<Options> {
  /** Remembers how a destination was built. */
  remember(destination: object, options: Options): void;
  /** How a destination was built; `undefined` for one of another kind. */
  of(destination: object): Options | undefined;
}

/** Options by destination, as long as the destination lives. */
export function knownOptions<Options>(): KnownOptions<Options> {
  const known = new WeakMap<object, Options>();
  return {
    remember: (destination, options) => void known.set(destination, options),
    of: (destination) => known.get(destination),
  };
}
