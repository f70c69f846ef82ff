/**
 * Microseconds since 1970 of a timestamp of either kind, as a bigint. In days and the rest, because `extract` rounds the very last
 * timestamp. `TimeZone` must be UTC, as it is on our connections.
 */
export function timestampMicros(expression: string): string {
  const midnight = `date_trunc('day', ${expression})`;
  return `(cast(extract(epoch from ${midnight}) as bigint) * 1000000 + cast(extract(epoch from ${expression} - ${midnight}) * 1000000 as bigint))`;
}
