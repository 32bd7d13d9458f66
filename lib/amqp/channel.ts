/**
 * A channel: one conversation of the many that a connection carries.
 *
 * ```text
 *   OPENING -> OPEN -> CLOSING -> CLOSED      close(), or a call that was not answered in time
 *       \________\________\_____> DEAD        the broker has closed it; the connection is gone
 * ```
 *
 * One call is under way at a time, the others wait behind it: so answers cannot be mistaken. From
 * CLOSING on nothing is sent, as the broker ends the whole connection for an ack on a channel that
 * is being closed: acks are dropped then, and calls fail with what ended the channel.
 *
 * WHO DIES WHEN. A channel that ends rejects its calls, then fails the messages that are not
 * confirmed, in their order, then ends its consumers, then tells its owner. An error of the broker
 * costs this channel alone. A handler that throws costs the message that it was given: that one
 * goes back to its queue. A consumer that the broker cancels (its queue is gone) ends alone.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { Countdown, held } from "../core/promises.ts";
import { Acks } from "./acks.ts";
import { Assembly, type Delivered } from "./assembly.ts";
import { Confirms, type Unconfirmed } from "./confirms.ts";
import { AmqpError, malformed } from "./errors.ts";
import type { FieldTable } from "./codec/fields.ts";
import type { Content } from "./codec/frames.ts";
import type { Argument, Method } from "./codec/methods.ts";
import type { ByteReader } from "./codec/reader.ts";
import { type MethodName, REPLY } from "./codec/table.ts";

/** What a channel needs of its connection. */
export interface Carrier {
  /** The broker's host and port. */
  readonly where: string;
  /** How long a call may take, in ms. */
  readonly deadline: number;
  /** How the names of consumers end. */
  readonly mark: string;
  /** Sends a method. */
  method(channel: number, name: MethodName, args: readonly Argument[]): void;
  /** Sends a method with a message. */
  content(channel: number, name: MethodName, args: readonly Argument[], content: Content): void;
  /** The channel's number is free again. */
  freed(channel: number): void;
}

/** What a consumer does. */
export interface ConsumerActions {
  /** Takes a message. What it throws gives that message back. */
  on(delivered: Delivered): void;
  /** What `on` has thrown. */
  onFault(error: unknown): void;
  /** No more comes: the queue or the channel is gone. */
  onEnd(error: AmqpError): void;
}

/** A call that was made and not answered. */
interface RpcCall {
  name: MethodName;
  args: readonly Argument[];
  resolve(args: Argument[]): void;
  reject(error: unknown): void;
}

const OPENING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const DEAD = 4;

/** A channel, from `AmqpConnection.openChannel()`. */
export class AmqpChannel {
  /** Called once when it has ended by anything but {@linkcode close}. */
  onEnd: ((error: AmqpError) => void) | undefined;
  readonly #number: number;
  readonly #carrier: Carrier;
  readonly #calls = new Deque<RpcCall>();
  readonly #consumers = new Map<string, ConsumerActions>();
  readonly #assembly = new Assembly();
  readonly #confirms = new Confirms();
  readonly #acks: Acks;
  readonly #closed = Promise.withResolvers<void>();
  #state = OPENING;
  #late: Countdown | undefined;
  #error: AmqpError | undefined;
  #consumed = 0;

  constructor(number: number, carrier: Carrier) {
    this.#number = number;
    this.#carrier = carrier;
    this.#acks = new Acks((name, args) => {
      if (this.#state === OPEN) carrier.method(number, name, args);
    });
  }

  /** Opens it; it is of use when this settles. */
  async open(): Promise<this> {
    await this.#call("channel.open", [""]);
    return this;
  }

  /** True while it can be used. */
  get isOpen(): boolean {
    return this.#state === OPEN;
  }

  /** How many messages are not confirmed. */
  get unconfirmed(): number {
    return this.#confirms.size;
  }

  /**
   * Calls a method, and gives the arguments of the answer.
   *
   * @throws {AmqpError} The channel has ended, or ends meanwhile.
   * @throws {RangeError} The arguments are too long.
   */
  call(name: MethodName, args: readonly Argument[]): Promise<Argument[]> {
    if (this.#state !== OPEN) return Promise.reject(this.#whyNot());
    return this.#call(name, args);
  }

  #call(name: MethodName, args: readonly Argument[]): Promise<Argument[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Argument[]>();
    this.#calls.push({ name, args, resolve, reject });
    if (this.#calls.length === 1) this.#next();
    return held(promise);
  }

  /** Sends a method that has no answer, or was told to have none. */
  send(name: MethodName, args: readonly Argument[]): void {
    if (this.#state !== OPEN) throw this.#whyNot();
    this.#carrier.method(this.#number, name, args);
  }

  #next(): void {
    while (this.#calls.length > 0) {
      const { name, args, reject } = this.#calls.peek();
      try {
        this.#carrier.method(this.#number, name, args);
        this.#late = new Countdown(this.#carrier.deadline, () => this.#overdue(name)).unref();
        return;
      } catch (error) {
        this.#calls.pop();
        reject(error);
      }
    }
  }

  #answered({ name, args }: Method): void {
    if (this.#calls.length === 0 || `${this.#calls.peek().name}-ok` !== name) {
      throw malformed(
        `${name}, which answers nothing, on channel ${this.#number}`,
        REPLY.unexpected,
      );
    }
    this.#late?.cancel();
    if (this.#state === OPENING) this.#state = OPEN;
    this.#calls.pop().resolve(args);
    this.#next();
  }

  /** Its answer may still come, and would be taken for another's: so the channel ends. */
  #overdue(name: MethodName): void {
    const { where, deadline } = this.#carrier;
    this.#close();
    this.#end(new AmqpError(`${where} has not answered ${name} within ${deadline} ms`));
  }

  #whyNot(): AmqpError {
    return this.#error ?? new AmqpError(`The channel to ${this.#carrier.where} is not open`);
  }

  /**
   * Sends a message.
   *
   * @param message Is told what becomes of it, where the channel confirms; not when this throws.
   * @throws {AmqpError} The channel is not open.
   * @throws {RangeError} The properties are too long.
   */
  publish(
    exchange: string,
    isMandatory: boolean,
    content: Content,
    message: Unconfirmed,
  ): void {
    if (this.#state !== OPEN) throw this.#whyNot();
    const args = [0, exchange, message.key, isMandatory, false];
    this.#carrier.content(this.#number, "basic.publish", args, content);
    this.#confirms.add(message);
  }

  /**
   * Consumes a queue.
   *
   * @returns The consumer's name, for {@linkcode cancel}.
   */
  async consume(
    queue: string,
    actions: ConsumerActions,
    { isExclusive = false, args = {} }: { isExclusive?: boolean; args?: FieldTable } = {},
  ): Promise<string> {
    const tag = `c${++this.#consumed}${this.#carrier.mark}`;
    // Messages may come with the answer, before who waits for it goes on.
    this.#consumers.set(tag, actions);
    try {
      await this.call("basic.consume", [0, queue, tag, false, false, isExclusive, false, args]);
    } catch (error) {
      this.#consumers.delete(tag);
      throw error;
    }
    return tag;
  }

  /**
   * Ends a consumer; what it has not acked stays with it until the channel ends. When it settles
   * all that the broker had given it has been handed over.
   */
  async cancel(tag: string): Promise<void> {
    if (!this.#consumers.has(tag)) return;
    await this.call("basic.cancel", [tag, false]);
    // The last messages of a quorum queue may come behind that answer, but not behind the next one.
    await this.call("basic.qos", [0, 1, false]);
    this.#consumers.delete(tag);
  }

  /** Says that a message is done with; dropped when the channel is not open. */
  ack(tag: number): boolean {
    if (this.#state === OPEN) this.#acks.ack(tag);
    return this.#state === OPEN;
  }

  /** Gives a message back, or lets its queue bury it; dropped when the channel is not open. */
  nack(tag: number, isRequeued: boolean): boolean {
    if (this.#state === OPEN) this.#acks.nack(tag, isRequeued);
    return this.#state === OPEN;
  }

  /**
   * Closes it. Calls under way fail; what is not acked goes back to its queue. It settles when the
   * broker has answered, or can no longer, or the time for it is up.
   */
  async close(): Promise<void> {
    if (this.#state === OPEN || this.#state === OPENING) {
      this.#acks.flush();
      this.#close();
      this.onEnd = undefined;
      this.#end(new AmqpError(`The channel to ${this.#carrier.where} was closed`));
    }
    await held(this.#closed.promise);
  }

  #close(): void {
    this.#state = CLOSING;
    this.#carrier.method(this.#number, "channel.close", [REPLY.success, "", 0, 0]);
    this.#late?.cancel();
    // Its number is not used again: the answer may still come.
    this.#late = new Countdown(this.#carrier.deadline, () => this.#closed.resolve()).unref();
  }

  /** Rejects and ends all that goes by it. */
  #end(error: AmqpError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    while (this.#calls.length > 0) this.#calls.pop().reject(error);
    this.#confirms.fail(error);
    const consumers = [...this.#consumers.values()];
    this.#consumers.clear();
    for (const consumer of consumers) consumer.onEnd(error);
    this.onEnd?.(error);
  }

  /** Sends the acks that were to go out at the end of this turn. */
  flush(): void {
    this.#acks.flush();
  }

  /** The connection has ended. */
  gone(error: AmqpError): void {
    if (this.#state >= CLOSED) return;
    this.#late?.cancel();
    this.#state = DEAD;
    this.#closed.resolve();
    this.#end(error);
  }

  /**
   * Handles a method that came for this channel.
   *
   * @throws {AmqpError} It may not come now: the connection is out of step.
   */
  handle(method: Method): void {
    const { name, args } = method;
    if (name === "channel.close-ok" && this.#state === CLOSING) return this.#free(CLOSED);
    if (name === "channel.close") return this.#killed(args as [number, string, number, number]);
    if (this.#state === CLOSING) return;
    this.#assembly.mayMethod();
    switch (name) {
      case "basic.deliver":
      case "basic.return":
        return this.#assembly.begin(method);
      case "basic.ack":
        return this.#confirms.settle(args[0] as number, args[1] as boolean, "taken");
      case "basic.nack":
        return this.#confirms.settle(args[0] as number, args[1] as boolean, "refused");
      case "basic.cancel":
        return this.#cancelled(args as [string, boolean]);
      case "channel.flow":
        return this.#carrier.method(this.#number, "channel.flow-ok", [args[0]!]);
      default:
        return this.#answered(method);
    }
  }

  #free(state: number): void {
    this.#late?.cancel();
    this.#state = state;
    this.#closed.resolve();
    this.#carrier.freed(this.#number);
  }

  #killed([code, text]: [number, string, number, number]): void {
    this.#carrier.method(this.#number, "channel.close-ok", []);
    this.#free(DEAD);
    this.#end(
      new AmqpError(`${this.#carrier.where} has closed a channel: ${code} ${text}`, { code }),
    );
  }

  #cancelled([tag, isNoWait]: [string, boolean]): void {
    if (!isNoWait) this.#carrier.method(this.#number, "basic.cancel-ok", [tag]);
    const consumer = this.#consumers.get(tag);
    this.#consumers.delete(tag);
    consumer?.onEnd(
      new AmqpError(`${this.#carrier.where} has cancelled a consumer: its queue is gone or moves`, {
        code: REPLY.notFound,
      }),
    );
  }

  /** Handles the header of a message. */
  header(from: ByteReader): void {
    if (this.#state === CLOSING) return;
    if (this.#assembly.header(from)) this.#complete();
  }

  /** Handles a part of a message's body. */
  body(from: ByteReader): void {
    if (this.#state === CLOSING) return;
    if (this.#assembly.body(from)) this.#complete();
  }

  #complete(): void {
    const { method: { name, args }, properties, body } = this.#assembly.end();
    if (name === "basic.return") {
      this.#confirms.returned(properties.messageId, args[3] as string);
      return;
    }
    const [consumer, tag, isRedelivered, exchange, key] = args as [
      string,
      number,
      boolean,
      string,
      string,
    ];
    this.#acks.came(tag);
    const actions = this.#consumers.get(consumer);
    if (actions === undefined) return void this.nack(tag, true);
    try {
      actions.on({ properties, body, tag, isRedelivered, exchange, key });
    } catch (error) {
      this.nack(tag, true);
      actions.onFault(error);
    }
  }
}
