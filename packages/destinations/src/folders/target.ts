import { AlluviumError, type ObjectStore } from "@alluvium/core";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** Size at which a file is closed where nobody says another. */
export const TARGET_BYTES: number = 128 * MIB;

/**
 * Checks the size at which files are closed. A store without `rename` copies them, which S3 does up to 5 GB in one request; a copy in several could be
 * ended by a process that slept meanwhile. Throws `ALV_CONFIG`.
 */
export function checkTarget(who: string, targetFileBytes: number, { capabilities, url }: ObjectStore): void {
  if (targetFileBytes < MIB)
    throw new AlluviumError(
      "ALV_CONFIG",
      `${who}: targetFileBytes is ${targetFileBytes}; it must be at least ${MIB} (1 MiB)`,
      { step: "open" },
    );
  if (targetFileBytes > 4 * GIB && !capabilities.rename)
    throw new AlluviumError(
      "ALV_CONFIG",
      `${who}: targetFileBytes is ${targetFileBytes}; on ${url} it must be at most ${4 * GIB} (4 GiB), since files are copied to their names there`,
      { step: "open" },
    );
}
