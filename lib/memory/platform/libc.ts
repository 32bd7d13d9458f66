/**
 * Functions of Linux's C library, by FFI.
 *
 * The library is opened, its functions are taken, and it is closed again: the process has it loaded
 * anyway, and nothing stays open for a leak sanitizer to find. Functions that block work after
 * that, and take 0.2 µs a call; by `UnsafeFnPointer` they take 1.6. One that does not block needs
 * its library open, or a pointer.
 *
 * @module
 */

const encoder = new TextEncoder();

/** A text as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${text}\0`);
}

/**
 * Takes functions of the library.
 *
 * @throws {TypeError} There is no function of a name.
 */
export function libc<const S extends Deno.ForeignLibraryInterface>(
  functions: S,
): Deno.DynamicLibrary<S>["symbols"] {
  const library = Deno.dlopen("libc.so.6", functions);
  const { symbols } = library;
  library.close();
  return symbols;
}
