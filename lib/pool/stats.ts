/**
 * Figures about a pool: what calls came to, and how long they ran and waited. Times are kept in a
 * histogram with buckets that grow by a quarter, so that a percentile is at most that much too
 * high, in memory of a fixed size.
 *
 * @module
 */

/** The figures of what a pool has done and does. */
export interface PoolStats {
  /** Calls that wait for a worker. */
  queued: number;
  /** Calls that run. */
  running: number;
  /** Calls that have given a value. */
  completed: number;
  /** Calls that have thrown, were cancelled or lost. */
  failed: number;
  /** Workers that live. */
  workers: number;
  /** The time that calls ran. */
  runTime: TimeSummary;
  /** The time that they waited before that. */
  waitTime: TimeSummary;
}

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

/** The length of a tick, in µs: so that hours of them are a small integer. */
const TICK = 16;
/** The number of calls submitted in a row that look at the clock once. */
const LOOK_EVERY = 8;

function ticks(): number {
  return performance.now() * 1000 / TICK | 0;
}

/** The counts of a pool's calls. */
export class CallStats {
  completed = 0;
  failed = 0;
  readonly #runTimes = new Times();
  readonly #waitTimes = new Times();
  /** When the workers were listened to last, and when the latest call was submitted, in ticks. */
  #heardAt = 0;
  #submittedAt = 0;
  #untilLook = 0;

  /** Notes that the workers are listened to now. */
  hearsNow(): void {
    this.#heardAt = ticks();
  }

  /**
   * When a call is submitted, in ticks; of many in a row not each looks at the clock.
   *
   * @param looks Whether this one must.
   */
  submits(looks: boolean): number {
    if (this.#untilLook-- <= 0 || looks) {
      this.#untilLook = LOOK_EVERY;
      this.#submittedAt = ticks();
    }
    return this.#submittedAt;
  }

  /** Adds how long a call ran, in µs, and with that how long it waited. */
  add(micros: number, submitted: number): void {
    this.#runTimes.add(micros);
    this.#waitTimes.add(Math.max(0, (this.#heardAt - submitted) * TICK - micros));
  }

  /** The counts of the calls that have ended. */
  summary(): Pick<PoolStats, "completed" | "failed" | "runTime" | "waitTime"> {
    return {
      completed: this.completed,
      failed: this.failed,
      runTime: this.#runTimes.summary(),
      waitTime: this.#waitTimes.summary(),
    };
  }
}

/** Many times. */
class Times {
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
