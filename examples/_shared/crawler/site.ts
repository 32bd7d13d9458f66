/**
 * The site that examples/crawler.ts crawls.
 *
 * @module
 */
import { sleep } from "../../../lib/time.ts";
import { inLanguage } from "../language.ts";

const WORDS = inLanguage({
  en: { title: (number: number) => `page ${number}` },
  zh: { title: (number: number) => `第 ${number} 页` },
});

/** How many pages there are, and one that they link to, but that is not there. */
const PAGES = 13;
const GONE = "/gone";

/**
 * Serves the site on this machine: page n links to pages 2n and 2n + 1, back to the first, and
 * sometimes to what is not there.
 *
 * @param latency How long it takes for a page, in ms.
 */
export function serveSite(latency: number): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(options, async ({ url }) => {
    await sleep(latency);
    const { pathname } = new URL(url);
    const number = Number(pathname.slice(1));
    if (!(number >= 1 && number <= PAGES)) return new Response("", { status: 404 });
    const next = [2 * number, 2 * number + 1].filter((next) => next <= PAGES);
    const links = ["/1", ...next.map((next) => `/${next}`), ...number % 4 === 0 ? [GONE] : []];
    const anchors = links.map((link) => `<a href="${link}">${link}</a>`).join("\n");
    return new Response(`<title>${WORDS.title(number)}</title>\n${anchors}\n`, {
      headers: { "content-type": "text/html" },
    });
  });
}
