import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import { fileStore } from "@alluvium/core/storage/file";
import { s3Store, type S3StoreOptions } from "@alluvium/core/storage/s3";
import * as z from "zod";

/** What the lakes' options have in common, after checking. */
export interface LakeOptions {
  readonly store: ObjectStore;
  readonly compression: "zstd" | "snappy" | "gzip" | "none";
  readonly targetFileBytes: number | undefined;
}

const shape = z.strictObject({
  url: z
    .union(
      [z.string(), z.instanceof(URL)],
      "must be the path of a folder, a file: URL, or s3://bucket/prefix",
    )
    .optional(),
  store: z.custom<ObjectStore>(isStore, "must be an ObjectStore, such as memoryStore()").optional(),
  compression: z
    .enum(["zstd", "snappy", "gzip", "none"], 'must be "zstd", "snappy", "gzip" or "none"')
    .default("zstd"),
  targetFileBytes: z
    .int("must be a number of bytes")
    .positive("must be a number of bytes above 0")
    .optional(),
});

/** Checks options, `extra` ones of a single format included, and makes the store, one on S3 with the options `s3`. Throws `ALV_CONFIG` naming the option, the value and what is accepted. */
export function checkLakeOptions<Extra extends z.ZodRawShape = Record<never, never>>(
  who: string,
  options: unknown,
  extra?: Extra,
  s3: S3StoreOptions = {},
): LakeOptions & z.output<z.ZodObject<Extra>> {
  const whole = shape.extend(extra ?? {});
  const checked = whole.safeParse(options, { reportInput: true });
  if (!checked.success) {
    const problems = checked.error.issues.map((issue) => {
      if (issue.code === "unrecognized_keys")
        return `there is no option ${issue.keys.join(", ")}; there are ${Object.keys(whole.shape).join(", ")}`;
      const path = issue.path.join(".");
      if (path === "")
        return `the options are ${describeValue(options)}; give an object such as { url: "./lake" }`;
      return `${path} is ${describeValue(issue.input)}; it ${issue.message}`;
    });
    throw new AlluviumError("ALV_CONFIG", `${who}: ${problems.join("; ")}`, { step: "open" });
  }
  const { url, store, ...others } = checked.data as z.output<typeof shape>;
  if ((url === undefined) === (store === undefined))
    throw new AlluviumError("ALV_CONFIG", `${who}: give either \`url\` (a folder) or \`store\``, {
      step: "open",
    });
  return { ...others, store: store ?? openStore(url!, who, s3) } as LakeOptions &
    z.output<z.ZodObject<Extra>>;
}

function isStore(value: unknown): boolean {
  return typeof value === "object" && value !== null && "putIfAbsent" in value && "capabilities" in value;
}

/** The store behind a path or URL. Throws `ALV_UNSUPPORTED` for schemes that have no store yet. */
export function openStore(url: string | URL, who: string, s3: S3StoreOptions = {}): ObjectStore {
  if ((typeof url !== "string" && !(url instanceof URL)) || url === "")
    throw new AlluviumError(
      "ALV_CONFIG",
      `${who}: url is ${url === "" ? "empty" : describeValue(url)}; give the path of a folder, a file: URL, or s3://bucket/prefix`,
      { step: "open" },
    );
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(String(url))?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return fileStore(url);
  if (scheme === "s3" || scheme === "s3a") return s3Store(url, s3);
  throw new AlluviumError(
    "ALV_UNSUPPORTED",
    `${who}: ${scheme}: URLs are not supported yet; use a path, a file: URL or s3://bucket/prefix, or give a store of your own as \`store\``,
    { step: "open" },
  );
}
