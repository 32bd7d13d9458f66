import { Pool } from "@switchyard/switchyard/multiprocessing";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  await using pool = new Pool(4);
  console.log(await pool.map(square, [1, 2, 3])); // [ 1, 4, 9 ]
}
