/**
 * The banker's algorithm: lend only so that everybody can still finish.
 *
 * A bank has things of several kinds, so many of each. A customer says at first how many it may
 * ever hold at the same time: its claim. Then it borrows bit by bit, and gives everything back when
 * it has finished. A state is *safe* if there is an order in which all can finish one after the
 * other, even if each first asks for the rest of its claim: the first can with what is left, the
 * second with that and what the first gives back, and so on. The banker grants what leads to a safe
 * state; who asks for anything else has to wait. An unsafe state need not become a deadlock, but
 * from then on it depends on the customers whether it does.
 *
 * For one kind: E. W. Dijkstra, "Cooperating sequential processes", 1965. For several: A. N.
 * Habermann, "Prevention of system deadlocks", 1969.
 *
 * @module
 */

/** How many of each kind. */
export type Amounts = readonly number[];

/** What a customer may hold, and what it holds. */
export interface Account {
  claim: Amounts;
  loan: Amounts;
}

/** What the banker says to a request. */
export type Answer =
  /** It has been lent; all can finish in this order. */
  | { verdict: "granted"; order: string[] }
  /** Not now: so many are not left, or nothing would be sure any more. Ask again later. */
  | { verdict: "deferred"; reason: "not enough" | "not safe" }
  /** Never: it is more than the customer's claim. */
  | { verdict: "refused" };

/**
 * Finds an order in which all accounts can be paid out in full and give back, one after the other;
 * undefined if there is none.
 *
 * Whoever can finish may go first: nothing is left but more, so the others lose no chance by that.
 * Therefore no order has to be tried twice.
 */
export function findSafeOrder(left: Amounts, accounts: readonly Account[]): number[] | undefined {
  const free = [...left];
  const order: number[] = [];
  const others = new Set(accounts.keys());
  while (others.size > 0) {
    const next = [...others].find((k) => fits(restOf(accounts[k]), free));
    if (next === undefined) return undefined;
    accounts[next].loan.forEach((amount, kind) => free[kind] += amount);
    others.delete(next);
    order.push(next);
  }
  return order;
}

/** The banker: knows all claims and loans, and decides. */
export class Banker {
  readonly #left: number[];
  readonly #accounts = new Map<string, { claim: Amounts; loan: number[] }>();

  /**
   * @param total What the bank has.
   * @param claims The customers' names, and the most that each will hold at the same time.
   * @throws {RangeError} An amount is none, or a claim is more than the bank has.
   */
  constructor(total: Amounts, claims: Readonly<Record<string, Amounts>>) {
    this.#left = [...total];
    this.#check(total, "open the bank");
    for (const [name, claim] of Object.entries(claims)) {
      const action = `open an account for ${name}`;
      this.#check(claim, action);
      if (!fits(claim, total)) {
        throw new RangeError(`Cannot ${action}: it claims ${claim}, the bank has ${total}`);
      }
      this.#accounts.set(name, { claim: [...claim], loan: total.map(() => 0) });
    }
  }

  /** What has not been lent. */
  get left(): Amounts {
    return [...this.#left];
  }

  /** What a customer holds. */
  loan(name: string): Amounts {
    return [...this.#account(name).loan];
  }

  /** What a customer may still ask for. */
  rest(name: string): Amounts {
    return restOf(this.#account(name));
  }

  /** An order in which all can finish; undefined if the state is not safe. */
  safeOrder(): string[] | undefined {
    const names = [...this.#accounts.keys()];
    return findSafeOrder(this.#left, [...this.#accounts.values()])?.map((k) => names[k]);
  }

  /** Lends if all can finish afterwards. */
  request(name: string, amounts: Amounts): Answer {
    const account = this.#account(name);
    this.#check(amounts, `lend to ${name}`);
    if (!fits(amounts, restOf(account))) return { verdict: "refused" };
    if (!fits(amounts, this.#left)) return { verdict: "deferred", reason: "not enough" };
    this.#move(account, amounts, 1);
    const order = this.safeOrder();
    if (order !== undefined) return { verdict: "granted", order };
    this.#move(account, amounts, -1);
    return { verdict: "deferred", reason: "not safe" };
  }

  /**
   * Takes back a loan or a part of it. Those who wait may be granted now what they have asked for.
   *
   * @throws {RangeError} It is more than the customer holds.
   */
  giveBack(name: string, amounts: Amounts = this.loan(name)): void {
    const account = this.#account(name);
    const action = `take back from ${name}`;
    this.#check(amounts, action);
    if (!fits(amounts, account.loan)) {
      throw new RangeError(`Cannot ${action}: it gives ${amounts}, it holds ${account.loan}`);
    }
    this.#move(account, amounts, -1);
  }

  #move(account: { loan: number[] }, amounts: Amounts, sign: 1 | -1): void {
    amounts.forEach((amount, kind) => {
      account.loan[kind] += sign * amount;
      this.#left[kind] -= sign * amount;
    });
  }

  #account(name: string): { claim: Amounts; loan: number[] } {
    const account = this.#accounts.get(name);
    if (account === undefined) throw new RangeError(`There is no account of ${name}`);
    return account;
  }

  #check(amounts: Amounts, action: string): void {
    const kinds = this.#left.length;
    if (amounts.length === kinds && amounts.every((n) => Number.isInteger(n) && n >= 0)) return;
    throw new RangeError(`Cannot ${action}: must be ${kinds} whole numbers, received ${amounts}`);
  }
}

function restOf({ claim, loan }: Account): number[] {
  return claim.map((most, kind) => most - loan[kind]);
}

/** Whether there are as many of each kind. */
function fits(amounts: Amounts, there: Amounts): boolean {
  return amounts.every((amount, kind) => amount <= there[kind]);
}
