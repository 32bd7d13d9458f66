import { type DictProxy, Manager, Process } from "@switchyard/switchyard/multiprocessing";

export function increase(n = 0) {
  return n + 1;
}

export async function sell(stock: DictProxy<string, number>) {
  for (let k = 0; k < 10; k++) await stock.update("sold", increase);
}

if (import.meta.main) {
  await using manager = await Manager.start();
  const stock = await manager.dict<string, number>();
  const clerks = [1, 2].map(() => new Process(sell, { args: [stock] }).start());
  for (const clerk of clerks) await clerk.join();
  console.log(await stock.get("sold")); // 20
}
