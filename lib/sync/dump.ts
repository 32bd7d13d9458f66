/**
 * A picture of who does what, for a person.
 *
 * @module
 */
import { endOf } from "../memory/wait_notes.ts";
import { findDeadlocks, type Party, readParties, titleOf } from "./deadlock.ts";

/** A process that uses no shared memory, and so is in no roster. */
export interface Other {
  /** Its name. */
  name: string;
  /** Its pid. */
  pid: number;
}

/**
 * Says of all threads of this process, and of all processes if asked, their state, what they hold,
 * what they wait for and since when; and which of them are deadlocked.
 *
 * @param others Processes to show besides; without it, the threads alone are shown.
 */
export function dumpText(others?: Other[]): string {
  const parties = readParties();
  const here = [...parties.values()].filter(({ isHere }) => isHere);
  const lines = [`Threads of process ${Deno.pid}:`];
  lines.push(...table(here.map((party) => [party.name, ...describe(party, parties)])));
  if (others !== undefined) {
    const family = [...parties.values()].filter(({ familyName }) => familyName !== undefined);
    const known = new Set(family.map(({ pid }) => pid));
    lines.push("Processes:");
    lines.push(...table([
      ...family.map((party) => [
        `${party.familyName} (${party.pid})`,
        ...describe(party, parties),
      ]),
      ...others.filter(({ pid }) => !known.has(pid))
        .map(({ name, pid }) => [`${name} (${pid})`, "running", ""]),
    ]));
  }
  lines.push(...findDeadlocks().map(({ message }) => message));
  return lines.join("\n");
}

/** Its state, and the rest. */
function describe(party: Party, parties: Map<string, Party>): [state: string, rest: string] {
  const { waits, unnoted, holds } = party;
  const nameOf = (key: string | undefined) => {
    const other = key === undefined ? undefined : parties.get(key);
    return other === undefined
      ? "one that has ended"
      : other.isHere
      ? other.name
      : other.familyName!;
  };
  const state = waits.length + unnoted > 0 ? "waiting" : "running";
  const clauses: string[] = [];
  const titles = holds.map((thing) => titleOf(thing, () => ""));
  if (titles.length > 0) clauses.push(`holds ${titles.join(", ")}`);
  const now = Date.now();
  for (const wait of waits) {
    const title = titleOf(wait, () => nameOf(wait.by));
    const isEnd = wait.id === endOf(wait.holder);
    const by = wait.holder === 0 || isEnd ? "" : `, held by ${nameOf(wait.by)},`;
    const age = (now | 0) - wait.since >>> 0;
    const since = new Date(now - age).toISOString().slice(11, 23);
    clauses.push(`waits for ${title}${by} since ${since} (${(age / 1000).toFixed(1)} s)`);
  }
  return [state, clauses.join("; ")];
}

/** Lines with their columns in line. */
function table(rows: string[][]): string[] {
  const first = Math.max(0, ...rows.map(([name]) => name!.length));
  return rows.map(([name, state, rest]) => `  ${name!.padEnd(first)}  ${state}  ${rest}`.trimEnd());
}
