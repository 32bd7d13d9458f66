/**
 * The memory of a trace that child processes map. Loaded only where FFI is allowed.
 *
 * @module
 */
import { platform } from "../memory/platform/mod.ts";
import { MEMORY_BYTES, TraceMemory } from "./memory.ts";

/** A mapped memory, and how others come to it. */
export interface Family {
  memory: TraceMemory;
  /** Where another process opens it. */
  path: string;
  /** Where the threads of this process find it. */
  address: bigint;
}

function familyAt({ fd, address }: { fd: number; address: bigint }): Family {
  return { memory: memoryAt(address), path: platform().path(fd), address };
}

/** Makes a memory. */
export function createFamily(): Family {
  return familyAt(platform().create(MEMORY_BYTES));
}

/** Opens the memory that another process has made; this one passes it on by a path of its own. */
export function openFamily(path: string): Family {
  return familyAt(platform().open(path, MEMORY_BYTES));
}

/** The memory that another thread of this process has mapped. */
export function memoryAt(address: bigint): TraceMemory {
  const pointer = Deno.UnsafePointer.create(address)!;
  return new TraceMemory(Deno.UnsafePointerView.getArrayBuffer(pointer, MEMORY_BYTES));
}
