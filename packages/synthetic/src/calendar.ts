import { drawsFor } from "./random.ts";
import { gamma } from "./distributions.ts";

/**
 * Shop time against calendar time. Purchases come at exponential gaps in *operational* days; the calendar packs more of those into busy
 * days (weekday × season × Black Friday × a day's own noise), so a peak costs nothing and history stays as it is when the clock moves on.
 */
export interface Calendar {
  /** Operational days elapsed at `time` (ms since 1970). */
  operational(time: number): number;
  /** The inverse: when so many operational days have elapsed. */
  calendar(days: number): number;
}

const DAY = 86_400_000;
/** The calendar is the same whatever window a world has: it begins here. */
const ORIGIN = Date.UTC(2015, 0, 1);
const DAYS = 365 * 30;

/** Share of a week's orders, Monday first. */
const WEEKDAYS = [1.071, 1.029, 0.98, 0.994, 0.945, 0.959, 1.015];
/** Against the year's mean, January first. */
const MONTHS = [0.86, 0.86, 0.88, 0.9, 0.92, 0.92, 0.9, 0.94, 1.0, 1.1, 1.45, 1.3];
/** Share of a day's orders by hour, local wall clock (UTC here). */
const HOURS = [
  104, 74, 46, 30, 23, 22, 30, 48, 60, 75, 103, 125, 142, 151, 149, 145, 138, 130, 124, 126, 132, 134, 133,
  123,
];

function blackFriday(date: Date): number {
  const month = date.getUTCMonth();
  const day = date.getUTCDate();
  // Friday after the fourth Thursday of November, and the Monday after it.
  const first = new Date(Date.UTC(date.getUTCFullYear(), 10, 1)).getUTCDay();
  const friday = 23 + ((4 - first + 7) % 7);
  if (month === 10 && day === friday) return 3.4;
  const monday = new Date(Date.UTC(date.getUTCFullYear(), 10, friday + 3));
  return monday.getUTCMonth() === month && monday.getUTCDate() === day ? 4.2 : 1;
}

/** The calendar of a world. */
export function createCalendar(seed: number): Calendar {
  const noise = drawsFor(seed, "calendar.day");
  // Orders of a day vary beyond Poisson: a gamma factor with mean 1 and deviation 0.15.
  const dayNoise = gamma(44, 44);
  const elapsed = new Float64Array(DAYS + 1);
  for (let day = 0; day < DAYS; day++) {
    const date = new Date(ORIGIN + day * DAY);
    const weight =
      WEEKDAYS[(date.getUTCDay() + 6) % 7]! *
      MONTHS[date.getUTCMonth()]! *
      blackFriday(date) *
      dayNoise(noise.unit(day));
    elapsed[day + 1] = elapsed[day]! + weight;
  }
  const hours = new Float64Array(25);
  const sum = HOURS.reduce((a, b) => a + b, 0);
  HOURS.forEach((share, hour) => (hours[hour + 1] = hours[hour]! + share / sum));

  return {
    operational(time) {
      const days = Math.min(DAYS - 1e-9, Math.max(0, (time - ORIGIN) / DAY));
      const day = Math.floor(days);
      const hour = (days - day) * 24;
      const whole = Math.floor(hour);
      const within = hours[whole]! + (hour - whole) * (hours[whole + 1]! - hours[whole]!);
      return elapsed[day]! + within * (elapsed[day + 1]! - elapsed[day]!);
    },
    calendar(days) {
      const day = position(elapsed, days);
      const share = (days - elapsed[day]!) / (elapsed[day + 1]! - elapsed[day]!);
      const hour = position(hours, share);
      const within = (share - hours[hour]!) / (hours[hour + 1]! - hours[hour]!);
      return ORIGIN + day * DAY + Math.floor((hour + within) * 3_600_000);
    },
  };
}

/** The last index whose value is at most `wanted`, short of the end. */
function position(sums: Float64Array, wanted: number): number {
  let from = 0;
  let to = sums.length - 1;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (sums[middle]! <= wanted) from = middle;
    else to = middle;
  }
  return from;
}
