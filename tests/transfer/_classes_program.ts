/**
 * The program of classes_test.ts: gives instances of classes that children can find, and of others.
 */
import { Process } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";
import { Thread } from "../../lib/threading.ts";

export class Exported {
  x = 1;
}
class Renamed {
  x = 1;
}
export { Renamed as Other };
export const Variable = class {
  x = 1;
};
export const Outer: new () => object = class Inner {
  x = 1;
};
class Marked {
  x = 1;
}
task(import.meta, Marked);
class Unexported {
  x = 1;
}

export const arrow: (x: unknown) => unknown = (x) => x;

export function nameOf(given: { list: object[] }): string {
  return given.list[0]!.constructor.name;
}

function makeLocal(): object {
  class Local {
    x = 1;
  }
  return new Local();
}

if (import.meta.main) {
  const objects = [Exported, Renamed, Variable, Outer, Marked].map((Kind) => new Kind());
  for (const Kind of [Thread, Process] as (typeof Thread)[]) {
    for (const one of objects) {
      console.log(await new Kind(nameOf, { args: [{ list: [one] }] }).start().result());
    }
    for (const one of [new Unexported(), makeLocal()]) {
      try {
        new Kind(nameOf, { args: [{ list: [one] }] }).start();
      } catch (error) {
        console.log(String(error));
      }
    }
    try {
      new Kind(arrow, { args: [1] });
    } catch (error) {
      console.log(String(error));
    }
  }
}
