/** Leaves a mark in whoever imports it; one of its own, as other modules run beside. @module */
Deno.env.set("SWITCHYARD_TEST_MANAGER_RAN", "1");
