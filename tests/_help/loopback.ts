/**
 * Has the tests that run after it use sockets of the loopback, as on Windows, instead of Unix ones:
 * `deno test --preload tests/_help/loopback.ts …`.
 *
 * @module
 */
import { useLoopback } from "../../lib/channel/socket/place.ts";

useLoopback();
