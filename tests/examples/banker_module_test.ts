import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Account,
  type Amounts,
  Banker,
  findSafeOrder,
} from "../../examples/_shared/banker.ts";
import { randoms } from "../_help/random.ts";

/** All orders of the numbers below `count`. */
function ordersOf(count: number): number[][] {
  if (count === 0) return [[]];
  return ordersOf(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => order.toSpliced(at, 0, count - 1))
  );
}
const ORDERS = Array.from({ length: 6 }, (_, count) => ordersOf(count));

/** Whether all can finish in just this order. */
function canFinish(order: number[], left: Amounts, accounts: Account[]): boolean {
  const free = [...left];
  for (const k of order) {
    const { claim, loan } = accounts[k];
    if (claim.some((most, kind) => most - loan[kind] > free[kind])) return false;
    loan.forEach((amount, kind) => free[kind] += amount);
  }
  return true;
}

/** The same by brute force. */
const isSafe = (left: Amounts, accounts: Account[]) =>
  ORDERS[accounts.length].some((order) => canFinish(order, left, accounts));

Deno.test("banker: findSafeOrder() agrees with a try of all orders, on 10,000 states", () => {
  const random = randoms(1);
  const seen = { safe: 0, unsafe: 0 };
  for (let round = 0; round < 10_000; round++) {
    const kinds = 1 + random(3);
    const amounts = (most: number) => Array.from({ length: kinds }, () => random(most + 1));
    const left = amounts(2);
    const accounts = Array.from({ length: random(6) }, () => {
      const loan = amounts(2);
      return { loan, claim: amounts(3).map((more, kind) => loan[kind] + more) };
    });
    const order = findSafeOrder(left, accounts);
    const state = JSON.stringify({ left, accounts });
    assertEquals(order !== undefined, isSafe(left, accounts), state);
    if (order !== undefined) {
      assertEquals(order.toSorted(), [...accounts.keys()], state);
      assert(canFinish(order, left, accounts), state);
    }
    seen[order === undefined ? "unsafe" : "safe"]++;
  }
  // Else the states would say little.
  assert(Math.min(seen.safe, seen.unsafe) > 2_000, JSON.stringify(seen));
});

Deno.test("banker: a bank lends as much as is safe, no more, and everybody finishes", () => {
  const random = randoms(2);
  const verdicts = { granted: 0, "not enough": 0, "not safe": 0 };
  for (let round = 0; round < 500; round++) {
    const kinds = 1 + random(3);
    const total = Array.from({ length: kinds }, () => 1 + random(4));
    const names = ["a", "b", "c", "d", "e"].slice(0, 1 + random(5));
    const claims = Object.fromEntries(
      names.map((name) => [name, total.map((most) => random(most + 1))]),
    );
    const banker = new Banker(total, claims);
    const accounts = () => names.map((name) => ({ claim: claims[name], loan: banker.loan(name) }));
    const working = new Set(names);
    for (let turn = 0; working.size > 0; turn++) {
      assert(turn < 10_000, "somebody never finishes");
      const name = [...working][random(working.size)];
      const rest = banker.rest(name);
      if (rest.every((amount) => amount === 0)) {
        banker.giveBack(name);
        working.delete(name);
        continue;
      }
      const wish = rest.map((most) => random(most + 1));
      const left = banker.left;
      const loan = banker.loan(name);
      const wouldBe = accounts().map((account, k) =>
        names[k] === name
          ? { ...account, loan: loan.map((amount, kind) => amount + wish[kind]) }
          : account
      );
      const leaves = left.map((amount, kind) => amount - wish[kind]);
      const isThere = leaves.every((amount) => amount >= 0);
      const answer = banker.request(name, wish);
      assertEquals(answer.verdict === "granted", isThere && isSafe(leaves, wouldBe));
      if (answer.verdict === "granted") {
        assertEquals(banker.left, leaves);
        verdicts.granted++;
      } else {
        assert(answer.verdict === "deferred");
        assertEquals(answer.reason, isThere ? "not safe" : "not enough");
        // Nothing is half done.
        assertEquals([banker.left, banker.loan(name)], [left, loan]);
        verdicts[answer.reason]++;
      }
      assert(isSafe(banker.left, accounts()));
    }
    assertEquals(banker.left, total);
  }
  assert(Math.min(...Object.values(verdicts)) > 100, JSON.stringify(verdicts));
});

Deno.test("banker: one kind, ten units: who asks for what decides", () => {
  const banker = new Banker([10], { x: [8], y: [3], z: [9] });
  assertEquals(banker.request("x", [4]), { verdict: "granted", order: ["x", "y", "z"] });
  assertEquals(banker.request("y", [2]), { verdict: "granted", order: ["x", "y", "z"] });
  assertEquals(banker.request("z", [2]), { verdict: "granted", order: ["y", "x", "z"] });
  assertEquals(banker.left, [2]);
  // z could not finish before x, and x not before z.
  assertEquals(banker.request("z", [1]), { verdict: "deferred", reason: "not safe" });
  assertEquals(banker.request("x", [3]), { verdict: "deferred", reason: "not enough" });
  assertEquals(banker.request("y", [2]), { verdict: "refused" });
  assertEquals(banker.request("y", [1]), { verdict: "granted", order: ["y", "x", "z"] });
  banker.giveBack("y");
  assertEquals([banker.left, banker.rest("y")], [[4], [3]]);
  banker.giveBack("x", [1]);
  assertEquals([banker.left, banker.loan("x"), banker.rest("x")], [[5], [3], [5]]);
});

Deno.test("banker: several kinds: enough of each does not make it safe", () => {
  const banker = new Banker([1, 1], { x: [1, 1], y: [1, 1] });
  assertEquals(banker.request("x", [1, 0]).verdict, "granted");
  assertEquals(banker.request("y", [0, 1]), { verdict: "deferred", reason: "not safe" });
  assertEquals(banker.request("x", [0, 1]), { verdict: "granted", order: ["x", "y"] });
  banker.giveBack("x");
  assertEquals(banker.request("y", [1, 1]).verdict, "granted");
});

Deno.test("banker: what makes no sense is refused, and changes nothing", () => {
  const banker = new Banker([2, 1], { x: [2, 0] });
  for (const wrong of [[1], [1, 0, 0], [-1, 0], [0.5, 0], [NaN, 0]]) {
    assertThrows(() => banker.request("x", wrong), RangeError, "must be 2 whole numbers");
    assertThrows(() => banker.giveBack("x", wrong), RangeError, "must be 2 whole numbers");
    assertThrows(() => new Banker([2, 1], { x: wrong }), RangeError, "must be 2 whole numbers");
  }
  assertThrows(() => new Banker([-1], {}), RangeError, "must be 1 whole numbers");
  assertThrows(() => new Banker([2], { x: [3] }), RangeError, "it claims 3, the bank has 2");
  assertThrows(() => banker.request("y", [0, 0]), RangeError, "There is no account of y");
  assertThrows(() => banker.giveBack("x", [1, 0]), RangeError, "it gives 1,0, it holds 0,0");
  assertEquals([banker.left, banker.safeOrder()], [[2, 1], ["x"]]);
});
