/**
 * The programs whose calls a worker serves, by their inboxes: who is there, who is away and may
 * come back, and who has gone (the broker has removed the inbox).
 *
 * @module
 */
import type { Access } from "../link/access.ts";
import { type Course, settled } from "../link/soon.ts";

/** For how long it is taken for granted that a caller is there, in ms. */
const TRUSTED = 1000;
/** How many callers are remembered. */
const MOST = 10_000;

/** Whether a caller is there. */
export type Whereabouts = "here" | "away" | "gone";

/** Who is there. */
export class Callers {
  readonly #access: Access;
  readonly #seen = new Map<string, { at: number; where: Whereabouts }>();

  constructor(access: Access) {
    this.#access = access;
  }

  /** Notes where one is. */
  note(inbox: string, where: Whereabouts): void {
    if (this.#seen.size >= MOST) this.#seen.clear();
    this.#seen.set(inbox, { at: performance.now(), where });
  }

  /** Where one is. */
  *find(inbox: string): Course<Whereabouts> {
    const seen = this.#seen.get(inbox);
    if (seen?.where === "gone") return "gone";
    if (seen?.where === "here" && performance.now() - seen.at < TRUSTED) return "here";
    const depth = yield* settled(this.#access.depth(inbox));
    const where = depth === undefined ? "gone" : depth.consumers > 0 ? "here" : "away";
    this.note(inbox, where);
    return where;
  }
}
