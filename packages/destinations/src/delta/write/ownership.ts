import type { KnownPipeline, LoadIdentity } from "../../lake/contract.ts";
import type { Head } from "../log/replay.ts";

/** Property of a table: the pipeline that owns it, percent-encoded. */
const OWNER = "alluvium.pipeline";
/** Property of a table: pipelines that owned it before it was adopted, percent-encoded, comma-separated. */
const FORMER_OWNERS = "alluvium.formerPipelines";

/** The application id of a pipeline's transactions in one table. */
export function applicationId(load: LoadIdentity, table: string): string {
  return [load.pipeline, load.lane, load.incarnation, table].map(encodeURIComponent).join("/");
}

/** The pipelines that a table knows: its owner by property, and whoever set transactions, former owners left out. */
export function knownPipelines({ metadata, transactions }: Head): readonly KnownPipeline[] {
  const known: KnownPipeline[] = [];
  const owner = ownerOf(metadata.configuration);
  if (owner !== undefined) known.push({ pipeline: owner });
  const former = formerOwners(metadata.configuration);
  for (const { appId, version } of transactions.values()) {
    const parts = appId.split("/");
    if (parts.length !== 4) continue;
    const [pipeline, lane, incarnation] = parts.map(decoded);
    if (!pipeline || !lane || !incarnation || former.includes(pipeline)) continue;
    known.push({ pipeline, lane, incarnation, sequence: Number(version) });
  }
  return known;
}

/** The owner by property, if there is one. */
export function ownerOf(configuration: Readonly<Record<string, string>>): string | undefined {
  const text = configuration[OWNER];
  return text === undefined ? undefined : (decoded(text) ?? text);
}

function formerOwners(configuration: Readonly<Record<string, string>>): readonly string[] {
  const text = configuration[FORMER_OWNERS];
  return text === undefined ? [] : text.split(",").flatMap((name) => decoded(name) ?? []);
}

/** The properties of a table after `pipeline` has taken it over; the same object where it has it already. */
export function adopted(
  configuration: Readonly<Record<string, string>>,
  pipeline: string,
): Readonly<Record<string, string>> {
  const owner = ownerOf(configuration);
  if (owner === pipeline) return configuration;
  const { [FORMER_OWNERS]: _, ...rest } = configuration;
  const former = [...formerOwners(configuration), ...(owner === undefined ? [] : [owner])].filter(
    (name, index, names) => name !== pipeline && names.indexOf(name) === index,
  );
  return {
    ...rest,
    [OWNER]: encodeURIComponent(pipeline),
    ...(former.length > 0 && { [FORMER_OWNERS]: former.map(encodeURIComponent).join(",") }),
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
