#!/usr/bin/env -S deno run --allow-run=printf,tr,sort,uniq,head,yes
/**
 * Programs in a row: what one writes the next one reads, as with `|` in a shell, but without one.
 *
 *     words     the most frequent words of a text: five programs, one call
 *     hands     two programs joined by hand, with Popen
 *     early     a reader that leaves early: the writer is told so, by SIGPIPE
 *
 * Try:
 *
 *     examples/processes/pipeline.ts                               all of them
 *     examples/processes/pipeline.ts --form words --text "a b a"   a text of yours
 *
 * @module
 */
import { PIPE, pipeline, Popen } from "../../lib/subprocess.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXT = "the cat and the dog and the bird";

const TEXTS = inLanguage({
  en: {
    usage: `Programs in a row.

Usage: pipeline.ts [options]

  --form F   words, hands, early, or all of them in turn (all)
  --text T   whose words are counted ("${TEXT}")
  --lang L   en or zh (en)
  --help     show this`,
    words: "words: tr | sort | uniq -c | sort -rn | head -n 3",
    hands: "hands: printf | sort",
    early: "early: yes | head -n 2",
    codes: (codes: number[]) => `  return codes: ${codes.join(" ")}`,
    verdict: (isRight: boolean) => isRight ? "all went through the whole row" : "WRONG",
    endless: (codes: number[]) =>
      `  return codes: ${codes.join(" ")}: yes would have gone on for ever`,
  },
  zh: {
    usage: `程序排成一行。

用法：pipeline.ts [选项]

  --form F   形式：words、hands、early，或者依次全部 all（默认 all）
  --text T   数哪段文字的单词（默认 "${TEXT}"）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    words: "words：tr | sort | uniq -c | sort -rn | head -n 3",
    hands: "hands：printf | sort",
    early: "early：yes | head -n 2",
    codes: (codes: number[]) => `  退出码：${codes.join(" ")}`,
    verdict: (isRight: boolean) => isRight ? "都从头走到了尾：正确" : "结果不对",
    endless: (codes: number[]) => `  退出码：${codes.join(" ")}，不然 yes 会永远写下去`,
  },
});

async function words(text: string): Promise<boolean> {
  console.log(TEXTS.words);
  const { stdout, returncodes } = await pipeline(
    ["tr", " ", "\\n"],
    ["sort"],
    ["uniq", "-c"],
    ["sort", "-rn"],
    ["head", "-n", "3"],
    { input: `${text}\n`, text: true },
  );
  for (const line of stdout.trimEnd().split("\n")) console.log(`  ${line.trim()}`);
  console.log(TEXTS.codes(returncodes));
  return returncodes.at(-1) === 0;
}

async function hands(): Promise<boolean> {
  console.log(TEXTS.hands);
  const first = new Popen(["printf", "%s\\n", "pear", "apple", "plum"], { stdout: PIPE });
  const second = new Popen(["sort"], { stdin: first.stdout, stdout: PIPE });
  let seen = "";
  for await (const line of second.stdout.lines()) {
    console.log(`  ${line}`);
    seen += line;
  }
  const codes = [await first.wait(), await second.wait()];
  console.log(TEXTS.codes(codes));
  return seen === "applepearplum" && codes.join() === "0,0";
}

async function early(): Promise<boolean> {
  console.log(TEXTS.early);
  const { stdout, returncodes } = await pipeline(["yes"], ["head", "-n", "2"], { text: true });
  for (const line of stdout.trimEnd().split("\n")) console.log(`  ${line}`);
  console.log(TEXTS.endless(returncodes));
  return returncodes.join() === "-13,0";
}

const FORMS = { words, hands, early };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["form", "text"],
    default: { form: "all", text: TEXT },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);

  let isRight = true;
  for (const name of form === "all" ? NAMES : [form]) {
    isRight = await FORMS[name](String(flags.text)) && isRight;
  }
  console.log(TEXTS.verdict(isRight));
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("pipeline", main);
