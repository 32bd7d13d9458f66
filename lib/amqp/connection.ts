/**
 * A connection to one broker.
 *
 * ```text
 *   IDLE -> TCP -> START -> TUNE -> OPENING -> OPEN -> CLOSING -> CLOSED
 *            \______\________\________\_________\________\______> LOST
 * ```
 *
 * - Every state but OPEN has a deadline. In OPEN the heartbeat judges, and each call has its own.
 * - LOST is entered by an error of the socket, bytes that are no AMQP, silence, a deadline, and the
 *   broker's own `connection.close`, which is answered.
 * - The broker says `blocked` when it is low on memory or disk: it then reads nothing that
 *   publishers send. That is no state but a flag: what comes still comes.
 *
 * WHO DIES WHEN. CLOSED and LOST close the socket, stop the heartbeat and end every channel with
 * the error; then `ended` settles. A channel that ends leaves the connection as it is.
 *
 * The password is known to {@linkcode Credentials} and to the frame that carries it; errors name
 * user, host and vhost.
 *
 * @module
 */
import { Countdown, held, reached } from "../core/promises.ts";
import { AmqpChannel, type Carrier } from "./channel.ts";
import { AmqpError, malformed } from "./errors.ts";
import type { FieldTable } from "./codec/fields.ts";
import {
  type Content,
  FrameSplitter,
  PROTOCOL,
  writeContent,
  writeHeartbeat,
  writeMethodFrame,
} from "./codec/frames.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type Argument, type Method, readMethod } from "./codec/methods.ts";
import type { ByteReader } from "./codec/reader.ts";
import { ByteSocket, type ByteStream } from "./socket.ts";
import { FRAME, type MethodName, REPLY } from "./codec/table.ts";
import { type Credentials, type Host, hostText } from "./url.ts";

/** How a connection is made. */
export interface AmqpConnectionOptions {
  host: Host;
  vhost: string;
  credentials: Credentials;
  /** Makes the stream of bytes. */
  dial: (host: Host, signal?: AbortSignal) => Promise<ByteStream>;
  /** Gives it up while it opens. */
  signal?: AbortSignal;
  /** The most seconds between two signs of life; 0: none are sent. Default: 10. */
  heartbeat?: number;
  /** How long each step of opening and closing and each call may take, in ms. Default: 10,000. */
  deadline?: number;
  /** The name that the broker shows. */
  name?: string;
  /**
   * How the names of its consumers end. Default: by chance. After a restart a quorum queue may take
   * a consumer for one of before that had its name, and then waits for that one's acks.
   */
  mark?: string;
}

type ConnectionState =
  | "TCP"
  | "START"
  | "TUNE"
  | "OPENING"
  | "OPEN"
  | "CLOSING"
  | "CLOSED"
  | "LOST";

/** The longest frame that we agree to, in bytes: what RabbitMQ proposes. */
const LONGEST = 131_072;
const MOST_CHANNELS = 65_535;
/** How long a broker is waited for at the end, in ms; one that is blocked reads nothing. */
const CLOSING = 2_000;
const BLOCKED_CLOSING = 100;

/** What we understand; the broker uses only what is here. */
const CAPABILITIES: FieldTable = {
  "publisher_confirms": true,
  "basic.nack": true,
  "consumer_cancel_notify": true,
  "connection.blocked": true,
  "authentication_failure_close": true,
};

/** A connection that is open, from {@linkcode AmqpConnection.open}. */
export class AmqpConnection implements Carrier {
  readonly where: string;
  readonly deadline: number;
  readonly mark: string;
  /** Called when the broker blocks publishers, with its reason, and with undefined when not. */
  onBlocked: ((reason: string | undefined) => void) | undefined;
  /** Settles with what ended the connection. */
  readonly ended: Promise<AmqpError>;
  readonly #options: AmqpConnectionOptions;
  readonly #socket: ByteSocket;
  readonly #splitter: FrameSplitter;
  readonly #channels = new Map<number, AmqpChannel>();
  readonly #ended = Promise.withResolvers<AmqpError>();
  #state: ConnectionState = "TCP";
  #step: { name: MethodName; resolve(args: Argument[]): void; late: Countdown } | undefined;
  #heartbeat: Heartbeat | undefined;
  #longest = LONGEST;
  #mostChannels = MOST_CHANNELS;
  #lastChannel = 0;
  #closing: Promise<void> | undefined;
  #blocked: string | undefined;
  #properties: FieldTable = {};

  private constructor(options: AmqpConnectionOptions, stream: ByteStream) {
    this.#options = options;
    this.where = hostText(options.host);
    this.deadline = options.deadline ?? 10_000;
    this.mark = options.mark ?? `.${crypto.randomUUID().slice(0, 13)}`;
    this.#socket = new ByteSocket(stream);
    this.#splitter = new FrameSplitter(LONGEST, (...frame) => this.#onFrame(...frame));
    this.ended = this.#ended.promise;
  }

  /**
   * Connects.
   *
   * @throws {AmqpError} It cannot be had; `isLasting` says whether it is of use to try again.
   */
  static async open(options: AmqpConnectionOptions): Promise<AmqpConnection> {
    const { host, credentials, vhost, deadline = 10_000, signal } = options;
    let connection: AmqpConnection | undefined;
    const abort = () => connection?.abort(new AmqpError("it was given up"));
    signal?.addEventListener("abort", abort);
    try {
      connection = new AmqpConnection(options, await dialWithin(options, deadline));
      await connection.#open();
      return connection;
    } catch (cause) {
      connection?.abort(new AmqpError("it could not be opened", { cause }));
      const reason = cause instanceof Error ? cause.message : String(cause);
      const { code = 0, isLasting = isLastingDial(cause) } = cause instanceof AmqpError
        ? cause
        : {};
      throw new AmqpError(
        `Cannot connect to ${hostText(host)} as ${credentials.user} in vhost ${vhost}: ${reason}`,
        { code, isLasting, cause },
      );
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  async #open(): Promise<void> {
    const { credentials, vhost } = this.#options;
    const started = this.#expect("START", "connection.start");
    this.#socket.out.raw(PROTOCOL);
    this.#socket.soon();
    this.#socket.read(this.#splitter).then((error) => this.#lose(this.#whyEnded(error)));
    const [, , properties, mechanisms] = await started;
    this.#properties = properties as FieldTable;
    if (!String(mechanisms).split(" ").includes("PLAIN")) {
      throw this.#lose(
        new AmqpError(`it takes no passwords, only ${mechanisms}`, { code: REPLY.accessRefused }),
      );
    }
    this.method(0, "connection.start-ok", [
      this.#introduction(),
      "PLAIN",
      credentials.plain(),
      "en_US",
    ]);
    const tuned = this.#expect("TUNE", "connection.tune");
    const [channels, longest, seconds] = await tuned as [number, number, number];
    // 0 is no limit: then ours counts.
    this.#mostChannels = Math.min(channels || MOST_CHANNELS, MOST_CHANNELS);
    this.#longest = Math.min(longest || LONGEST, LONGEST);
    const wanted = this.#options.heartbeat ?? 10;
    const heartbeat = wanted === 0 ? 0 : Math.min(wanted, seconds || wanted);
    this.method(0, "connection.tune-ok", [this.#mostChannels, this.#longest, heartbeat]);
    this.method(0, "connection.open", [vhost, "", false]);
    if (heartbeat > 0) this.#beat(heartbeat);
    await this.#expect("OPENING", "connection.open-ok");
    this.#splitter.longest = this.#longest;
  }

  #introduction(): FieldTable {
    return {
      product: "Switchyard",
      platform: `Deno ${Deno.version.deno}`,
      connection_name: this.#options.name,
      capabilities: CAPABILITIES,
    };
  }

  #beat(seconds: number): void {
    this.#heartbeat = new Heartbeat(seconds, this.#socket, {
      beat: () => {
        writeHeartbeat(this.#socket.out);
        this.#socket.soon();
      },
      silent: (ms) => {
        this.#lose(
          new AmqpError(`no sign of life from ${this.where} for ${(ms / 1000).toFixed(1)} s`),
        );
      },
    });
  }

  /** Waits for the one method that may come now. */
  #expect(state: ConnectionState, name: MethodName): Promise<Argument[]> {
    this.#state = state;
    const { promise, resolve } = Promise.withResolvers<Argument[]>();
    const late = new Countdown(this.deadline, () => {
      this.#lose(new AmqpError(`no answer within ${this.deadline} ms, in state ${state}`));
    }).unref();
    this.#step = { name, resolve, late };
    const failed = this.ended.then((error) => Promise.reject(error));
    return held(Promise.race([promise, failed]));
  }

  /** True while it can be used. */
  get isOpen(): boolean {
    return this.#state === "OPEN";
  }

  /** Why the broker takes no messages at present, or undefined. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** What the broker says of itself: `product`, `version`. */
  get properties(): FieldTable {
    return this.#properties;
  }

  /**
   * Opens a channel.
   *
   * @throws {AmqpError} The connection is not open, or has too many channels.
   */
  openChannel(): Promise<AmqpChannel> {
    if (this.#state !== "OPEN") {
      return Promise.reject(new AmqpError(`The connection to ${this.where} is not open`));
    }
    if (this.#channels.size >= this.#mostChannels) {
      return Promise.reject(
        new AmqpError(`Cannot open a channel: ${this.where} allows ${this.#mostChannels}`),
      );
    }
    // A number that was just in use comes last.
    do this.#lastChannel = this.#lastChannel % this.#mostChannels + 1; while (
      this.#channels.has(this.#lastChannel)
    );
    const channel = new AmqpChannel(this.#lastChannel, this);
    this.#channels.set(this.#lastChannel, channel);
    return channel.open();
  }

  method(channel: number, name: MethodName, args: readonly Argument[]): void {
    writeMethodFrame(this.#socket.out, channel, this.#longest, name, args);
    this.#socket.soon();
  }

  content(channel: number, name: MethodName, args: readonly Argument[], content: Content): void {
    writeContent(this.#socket.out, channel, this.#longest, name, args, content);
    this.#socket.soon();
  }

  freed(channel: number): void {
    this.#channels.delete(channel);
  }

  #onFrame(kind: number, number: number, payload: ByteReader): void {
    if (kind === FRAME.heartbeat) return;
    if (kind === FRAME.method && number === 0) return this.#onMethod(readMethod(payload));
    const channel = this.#channels.get(number);
    if (channel === undefined) {
      throw malformed(`a frame for channel ${number}, which is not open`, REPLY.channel);
    }
    if (kind === FRAME.method) channel.handle(readMethod(payload));
    else if (kind === FRAME.header) channel.header(payload);
    else if (kind === FRAME.body) channel.body(payload);
    else throw malformed(`a frame of the unknown kind ${kind}`, REPLY.frame);
  }

  #onMethod({ name, args }: Method): void {
    switch (name) {
      case "connection.blocked":
        this.#blocked = String(args[0]) || "it gives no reason";
        return this.onBlocked?.(this.#blocked);
      case "connection.unblocked":
        this.#blocked = undefined;
        return this.onBlocked?.(undefined);
      case "connection.close":
        return this.#closedByBroker(args[0] as number, String(args[1]));
    }
    if (this.#step?.name !== name) {
      throw malformed(`${name} in state ${this.#state}`, REPLY.unexpected);
    }
    const { resolve, late } = this.#step;
    late.cancel();
    this.#step = undefined;
    // Set here, not where it is awaited: more may be in the same bytes.
    if (name === "connection.open-ok") this.#state = "OPEN";
    if (name === "connection.close-ok") this.#state = "CLOSED";
    resolve(args);
  }

  #closedByBroker(code: number, text: string): void {
    this.method(0, "connection.close-ok", []);
    const error = new AmqpError(`${this.where} has closed the connection: ${code} ${text}`, {
      code,
    });
    this.#lose(error, this.#socket.flushed());
  }

  #whyEnded(error: unknown): AmqpError {
    if (error instanceof AmqpError) return error;
    const reason = error instanceof Error ? `: ${error.message}` : "";
    return new AmqpError(
      `the connection to ${this.where} has ended in state ${this.#state}${reason}`,
      {
        isLasting: isLastingDial(error),
        cause: error,
      },
    );
  }

  /** The end of it, whatever its cause; `last` is what the socket still has to do. */
  #lose(error: AmqpError, last?: Promise<void>): AmqpError {
    if (this.#state === "LOST") return error;
    if (this.#state !== "CLOSED") this.#state = "LOST";
    this.#splitter.stop();
    this.#heartbeat?.stop();
    this.#step?.late.cancel();
    this.#step = undefined;
    if (last === undefined) this.#socket.close();
    else reached(last, CLOSING).finally(() => this.#socket.close());
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    for (const channel of channels) channel.gone(error);
    this.#ended.resolve(error);
    return error;
  }

  /** Ends it at once: its channels end with `error`. */
  abort(error: AmqpError): void {
    this.#lose(error);
  }

  /** Closes it, and settles when the broker knows, or the time for that is up. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const error = new AmqpError(`The connection to ${this.where} was closed`);
    if (this.#state !== "OPEN") {
      this.#lose(error);
      return;
    }
    const closed = this.#expect("CLOSING", "connection.close-ok");
    const channels = [...this.#channels.values()];
    for (const channel of channels) channel.flush();
    for (const channel of channels) channel.gone(error);
    this.method(0, "connection.close", [REPLY.success, "", 0, 0]);
    const patience = this.#blocked === undefined ? CLOSING : BLOCKED_CLOSING;
    await reached(closed, patience).catch(() => {});
    this.#lose(error);
  }
}

async function dialWithin(
  { dial, host, signal }: AmqpConnectionOptions,
  deadline: number,
): Promise<ByteStream> {
  const dialled = dial(host, signal);
  const isThere = await reached(dialled, deadline).catch(() => true);
  if (isThere && signal?.aborted !== true) return await dialled;
  // It may still come: nobody would close it.
  dialled.then((stream) => stream.close(), () => {});
  throw new AmqpError(`no answer within ${deadline} ms, in state TCP`);
}

/** Whether a socket that cannot be had will never be: permissions, and certificates. */
function isLastingDial(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.InvalidData;
}
