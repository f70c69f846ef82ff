import { AlluviumError, type Pipeline, type SourceTables } from "@alluvium/core";

/** The options of each destination of a kind that was built here, for reading back what it loads. */
export interface KnownOptions<Options> {
  /** Remembers how a destination was built. */
  remember(destination: object, options: Options): void;
  /** How the destination of a pipeline was built. `ALV_CONFIG` for one of another kind. */
  of<Tables extends SourceTables>(load: Pipeline<Tables>): Options;
}

/** Options by destination, as long as the destination lives. `own`: what this kind is called in messages. */
export function knownOptions<Options extends object>(own: string): KnownOptions<Options> {
  const known = new WeakMap<object, Options>();
  return {
    remember: (destination, options) => void known.set(destination, options),
    of({ name, definition: { destination } }) {
      const options = known.get(destination);
      if (options !== undefined) return options;
      throw new AlluviumError(
        "ALV_CONFIG",
        `pipeline ${name} loads into ${destination.name}, not into ${own}: take \`database\` from that destination's subpath`,
        { pipeline: name },
      );
    },
  };
}
