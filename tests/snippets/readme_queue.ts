import { Queue } from "../../lib/queue.ts";
import { Thread } from "../../lib/threading.ts";

export async function shout(words: Queue<string>) {
  for await (const word of words) console.log(word.toUpperCase());
}

if (import.meta.main) {
  const words = new Queue<string>();
  const thread = new Thread(shout, { args: [words] }).start();
  for (const word of ["ready", "steady", "go"]) await words.put(word);
  words.shutdown(); // the loop ends when the queue is empty
  await thread.join(); // READY, STEADY, GO
}
