/**
 * The way to a host: TCP, or TLS over it.
 *
 * @module
 */
import type { ByteStream } from "./socket.ts";
import type { Host } from "./url.ts";

/** How an encrypted connection is made. */
export interface TlsOptions {
  /** Certificates in PEM of the authorities that are trusted beside the system's. */
  caCerts?: string[];
  /** The client's own certificate in PEM, where the broker asks for one. */
  cert?: string;
  /** The key of `cert` in PEM. */
  key?: string;
}

/** Opens a connection that is encrypted, or is not. */
export async function dial(
  { name, port }: Host,
  isTls: boolean,
  { caCerts, cert, key }: TlsOptions,
  signal?: AbortSignal,
): Promise<ByteStream> {
  if (!isTls) {
    const conn = await Deno.connect({
      hostname: name,
      port,
      ...signal === undefined ? {} : { signal },
    });
    // A frame that is alone would wait for the answer to the one before it.
    conn.setNoDelay(true);
    return conn;
  }
  const identity = cert !== undefined && key !== undefined ? { cert, key } : {};
  return await Deno.connectTls({
    hostname: name,
    port,
    ...(caCerts === undefined ? {} : { caCerts }),
    ...identity,
  }) as ByteStream;
}
