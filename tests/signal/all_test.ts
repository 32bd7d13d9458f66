/**
 * All tests of signals, in one module: signals and the alarm are the process's, and modules may be
 * run beside each other in one.
 *
 * @module
 */
import "./_abort_on.ts";
import "./_signal.ts";
import "./_conformance.ts";
