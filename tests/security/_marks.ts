/** Leaves a mark in whoever imports it. @module */
Deno.env.set("SWITCHYARD_TEST_RAN", "1");
