/**
 * Brokers' URLs: what they say, and that errors keep their passwords.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { hostText, parseUrl, withoutSecrets } from "../../lib/amqp/url.ts";

/** A URL in short: scheme, proof, hosts, vhost. */
function read(url: string): string {
  const { isTls, credentials, hosts, vhost } = parseUrl(url);
  const who = credentials.plain().replaceAll("\0", "|");
  return `${isTls} ${who} ${hosts.map(hostText).join(" ")} ${vhost}`;
}

const GOOD: Record<string, string> = {
  "amqp://host": "false |guest|guest host:5672 /",
  "amqp://host/": "false |guest|guest host:5672 /",
  "amqps://host": "true |guest|guest host:5671 /",
  "amqp://host:1234/a": "false |guest|guest host:1234 a",
  "amqp://u@host": "false |u|guest host:5672 /",
  "amqp://u:@host": "false |u| host:5672 /",
  "amqp://u:p:q@host": "false |u|p:q host:5672 /",
  "amqp://us%65r:p%40%3A%2F%25%3f@host/%2Fa%2fb": "false |user|p@:/%? host:5672 /a/b",
  "amqp://u:%C3%A4@host": "false |u|ä host:5672 /",
  "amqp://u:p@a,b:2,[::1]:3,[fe80::1]/v": "false |u|p a:5672 b:2 [::1]:3 [fe80::1]:5672 v",
  "amqp://a?heartbeat=5": "false |guest|guest a:5672 /",
  "amqp://a/v?heartbeat=5&prefix=sy": "false |guest|guest a:5672 v",
};

for (const [url, expected] of Object.entries(GOOD)) {
  Deno.test(`parseUrl() reads ${url}`, () => assertEquals(read(url), expected));
}

Deno.test("parseUrl() gives the options, and the URL without secrets", () => {
  const { options, shown } = parseUrl("amqp://u:secret@a,b/v?heartbeat=5&prefix=sy");
  assertEquals([...options], [["heartbeat", "5"], ["prefix", "sy"]]);
  assertEquals(shown, "amqp://***@a,b/v?heartbeat=5&prefix=sy");
});

const BAD = [
  "",
  "host",
  "http://u:secret@host",
  "amqp:u:secret@host",
  "amqp://u:secret@",
  "amqp://u:secret@host:port",
  "amqp://u:secret@host:99999",
  "amqp://u:secret@a,,b",
  "amqp://u:secret@a b",
  "amqp://u:se/cret@host",
  "amqp://u:se?cret@host",
  "amqp://u:se@cret@host@",
  "amqp://u:secret%@host",
  "amqp://u:secret%zz@host",
  "amqp://u:secret@host/%",
  "amqp://u:secret@host/a/b",
  "amqp://u:secret",
  "u:secret@host",
  "secret",
];

for (const url of BAD) {
  Deno.test(`parseUrl() refuses ${JSON.stringify(url)}, and shows no password`, () => {
    const error = assertThrows(() => parseUrl(url), TypeError, "Cannot read the broker's URL");
    assert(!/se@?cret|se[/?]|cret/.test(Deno.inspect(error).replaceAll(import.meta.url, "")));
  });
}

Deno.test("withoutSecrets() hides what stands before the last @, wherever it is", () => {
  assertEquals(withoutSecrets("amqp://u:a@b/c@host/v"), "amqp://***@host/v");
  assertEquals(withoutSecrets("amqp://host:1/v"), "amqp://host:1/v");
  assertEquals(withoutSecrets("amqp://user:word"), "amqp://...");
  assertEquals(withoutSecrets("word"), "(not shown)");
});

Deno.test("Credentials show the user alone", () => {
  const address = parseUrl("amqp://u:secret@host");
  assertEquals(Deno.inspect(address.credentials), "Credentials(u)");
  assert(!`${Deno.inspect(address, { depth: 9 })}${JSON.stringify(address)}`.includes("secret"));
});
