import { setExcepthook, Thread } from "@switchyard/switchyard/threading";

export function fail() {
  throw new Error("no such page");
}

if (import.meta.main) {
  setExcepthook(({ error, thread }) => console.log(`${thread.name}: ${error}`));
  await new Thread(fail, { name: "reader" }).start().join(); // reader: Error: no such page
}
