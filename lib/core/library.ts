/**
 * Where the library itself is.
 *
 * @module
 */

/** The folder of its modules. */
export const LIBRARY: string = new URL("../", import.meta.url).href;
