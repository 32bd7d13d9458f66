import { Array as SharedArray, Process } from "@switchyard/switchyard/multiprocessing";

export function fill(squares: SharedArray<"i32">, index: number) {
  squares.set(index, index * index);
}

if (import.meta.main) {
  const squares = new SharedArray("i32", 3);
  const children = [0, 1, 2].map((k) => new Process(fill, { args: [squares, k] }).start());
  for (const child of children) await child.join();
  console.log(squares.toArray()); // [ 0, 1, 4 ]
}
