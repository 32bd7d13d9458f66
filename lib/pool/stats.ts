/**
 * Figures about how long calls ran and waited: a histogram with buckets that grow by a quarter, so
 * that a percentile is at most that much too high, in memory of a fixed size.
 *
 * @module
 */

/** A summary of many times, in ms. */
export interface TimeSummary {
  /** The mean. */
  mean: number;
  /** Half of them were at most so long. */
  p50: number;
  /** 99 % of them were at most so long. */
  p99: number;
}

/** Buckets for each power of two. */
const FINE = 4;
const BUCKETS = 40 * FINE;

/** Many times. */
export class Times {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;

  /** Adds a time, in µs. */
  add(micros: number): void {
    this.#count++;
    this.#sum += micros;
    this.#counts[bucketOf(micros)]++;
  }

  /** Their summary; all 0 when there are none. */
  summary(): TimeSummary {
    if (this.#count === 0) return { mean: 0, p50: 0, p99: 0 };
    return {
      mean: this.#sum / this.#count / 1000,
      p50: this.#percentile(0.5),
      p99: this.#percentile(0.99),
    };
  }

  #percentile(part: number): number {
    let left = Math.ceil(this.#count * part);
    let bucket = 0;
    while (bucket < BUCKETS - 1 && (left -= this.#counts[bucket]!) > 0) bucket++;
    return endOf(bucket) / 1000;
  }
}

function bucketOf(micros: number): number {
  if (micros < 1) return 0;
  const power = 31 - Math.clz32(micros);
  const within = (micros * FINE >>> power) - FINE;
  return Math.min(BUCKETS - 1, power * FINE + within);
}

/** The upper bound of a bucket, in µs. */
function endOf(bucket: number): number {
  return 2 ** Math.floor(bucket / FINE) * (1 + (bucket % FINE + 1) / FINE);
}
