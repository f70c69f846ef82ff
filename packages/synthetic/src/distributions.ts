/** Turns a number in [0, 1) into a value of a distribution. */
export type Quantile = (unit: number) => number;

/** Waiting time with mean 1. */
export const exponential: Quantile = (unit) => -Math.log1p(-unit);

/** Normal with mean 0 and deviation 1 (Acklam's rational approximation of the inverse, relative error below 1.2e-9). */
const normal: Quantile = (unit) => {
  const p = Math.min(1 - 1e-12, Math.max(1e-12, unit));
  if (p > 0.97575) return -normal(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) *
        q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) *
        q +
        1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  );
};

/** Lognormal by mean and deviation of the logarithm. */
export function lognormal(mu: number, sigma: number): Quantile {
  return (unit) => Math.exp(mu + sigma * normal(unit));
}

/**
 * Gamma with mean `shape / rate`, by a table of its quantiles. Small shapes are steep near 0, so the table is in the logarithm of the
 * value and the distribution function is summed numerically.
 */
export function gamma(shape: number, rate: number): Quantile {
  const steps = 4096;
  const low = -30;
  const high = Math.log(shape + 12 * Math.sqrt(shape) + 20);
  const sums = new Float64Array(steps + 1);
  // Density of log x: x^shape * exp(-x), up to a factor.
  for (let i = 1; i <= steps; i++) {
    const at = low + ((high - low) * (i - 0.5)) / steps;
    sums[i] = sums[i - 1]! + Math.exp(shape * at - Math.exp(at));
  }
  const total = sums[steps]!;
  return (unit) => {
    const wanted = unit * total;
    let from = 0;
    let to = steps;
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      if (sums[middle]! <= wanted) from = middle;
      else to = middle;
    }
    const within = (wanted - sums[from]!) / (sums[to]! - sums[from]! || 1);
    return Math.exp(low + ((high - low) * (from + within)) / steps) / rate;
  };
}

/** Picks an index by weight in constant time (Walker's alias method, Vose 1991). */
export function weighted(weights: readonly number[] | Float64Array): (unit: number) => number {
  const count = weights.length;
  let sum = 0;
  for (const weight of weights) sum += weight;
  const chance = Float64Array.from(weights, (weight) => (weight * count) / sum);
  const alias = new Uint32Array(count);
  const small: number[] = [];
  const large: number[] = [];
  chance.forEach((value, index) => (value < 1 ? small : large).push(index));
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop()!;
    const rich = large.pop()!;
    alias[poor] = rich;
    chance[rich] = chance[rich]! + chance[poor]! - 1;
    (chance[rich]! < 1 ? small : large).push(rich);
  }
  for (const index of [...small, ...large]) chance[index] = 1;
  return (unit) => {
    const scaled = unit * count;
    const index = Math.min(count - 1, Math.floor(scaled));
    return scaled - index < chance[index]! ? index : alias[index]!;
  };
}
