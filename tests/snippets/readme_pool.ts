import { Pool } from "../../lib/multiprocessing.ts";

export function primes(below: number) {
  let count = 0;
  for (let n = 2; n < below; n++) {
    let d = 2;
    while (d * d <= n && n % d !== 0) d++;
    if (d * d > n) count++;
  }
  return count;
}

if (import.meta.main) {
  await using pool = new Pool();
  console.log(await pool.map(primes, [1000, 2000, 3000])); // [ 168, 303, 430 ]
}
