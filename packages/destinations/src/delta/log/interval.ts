const units: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
};

/** Milliseconds of an interval as tables' properties hold it (`interval 1 week 2 days`); `undefined` where the text is none. */
export function parseInterval(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const words = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, "")
    .split(/\s+/);
  let sum = 0;
  for (let i = 0; i < words.length; i += 2) {
    const count = Number(words[i]);
    const unit = units[words[i + 1]?.replace(/s$/, "") ?? ""];
    if (!Number.isFinite(count) || unit === undefined) return undefined;
    sum += count * unit;
  }
  return words.length === 0 ? undefined : sum;
}
