/**
 * Programs that do with other libraries what RemoteQueue and RemoteExecutor do. Each prints numbers.
 *
 * @module
 */

/** How many messages, or calls, are on their way at once. */
export const WINDOW = 1_000;
export const CALL_WINDOW = 500;
/** The prefetch of those who take messages, and the bytes of one. */
export const PREFETCH = 100;
export const SIZE = 200;
/** So many calls are made one after the other, for their median. */
export const SINGLE_CALLS = 200;

/**
 * For Node, with amqplib: durable messages, each confirmed, then taken and acknowledged; prints puts
 * and gets a second. Arguments: URL, type of the queue, number of messages.
 */
export const AMQPLIB = `
import amqp from "amqplib";
const [url, type, text] = process.argv.slice(1);
const count = Number(text), name = "bench.amqplib." + type, body = Buffer.alloc(${SIZE}, 65);
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
await channel.assertQueue(name, { durable: true, arguments: { "x-queue-type": type } });
let open = 0, done = 0, wake, finish;
const all = new Promise((resolve) => finish = resolve);
let began = performance.now();
for (let k = 0; k < count; k++) {
  if (open >= ${WINDOW}) await new Promise((resolve) => wake = resolve);
  open++;
  channel.sendToQueue(name, body, { persistent: true }, () => {
    if (--open < ${WINDOW / 2}) wake?.();
    if (++done === count) finish();
  });
}
await all;
const put = count / (performance.now() - began) * 1000;
const reader = await connection.createChannel();
await reader.prefetch(${PREFETCH});
let got = 0;
began = performance.now();
await new Promise((resolve) => reader.consume(name, (message) => {
  reader.ack(message);
  if (++got === count) resolve();
}));
const get = count / (performance.now() - began) * 1000;
await reader.close();
await channel.deleteQueue(name);
await connection.close();
console.log(put, get);
`;

/**
 * For Python, with pika: as for amqplib, by the BlockingConnection, whose basic_publish() gives back
 * when the message is confirmed.
 */
export const PIKA = `
import sys, time, pika
url, type, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
name, body = "bench.pika." + type, b"A" * ${SIZE}
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.queue_declare(name, durable=True, arguments={"x-queue-type": type})
channel.confirm_delivery()
durable = pika.BasicProperties(delivery_mode=2)
began = time.perf_counter()
for k in range(count):
    channel.basic_publish("", name, body, durable, mandatory=True)
put = count / (time.perf_counter() - began)
reader = connection.channel()
reader.basic_qos(prefetch_count=${PREFETCH})
got = 0
def take(channel, method, properties, body):
    global got
    channel.basic_ack(method.delivery_tag)
    got += 1
    if got == count:
        channel.stop_consuming()
reader.basic_consume(name, take)
began = time.perf_counter()
reader.start_consuming()
get = count / (time.perf_counter() - began)
channel.queue_delete(name)
connection.close()
print(put, get)
`;

/** A module of Celery's, `tasks.py`: the task is acknowledged late. */
export const CELERY_TASKS = `
import os
from celery import Celery
app = Celery("tasks", broker=os.environ["AMQP"], backend="rpc://")
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=8,
    broker_transport_options={"confirm_publish": True},
    result_persistent=False,
    worker_send_task_events=False,
    task_default_queue="bench.celery",
)

@app.task
def square(x):
    return x * x
`;

/**
 * For Python, beside tasks.py: prints the median of single calls in ms, and calls a second.
 * Argument: number of calls. All are submitted, then their results are read.
 */
export const CELERY = `
import sys, time
from tasks import square
count = int(sys.argv[1])
square.delay(2).get(timeout=60)
times = []
for k in range(${SINGLE_CALLS}):
    began = time.perf_counter()
    assert square.delay(k).get(timeout=60) == k * k
    times.append((time.perf_counter() - began) * 1000)
times.sort()
began = time.perf_counter()
results = [square.delay(k) for k in range(count)]
assert [result.get(timeout=600) for result in results] == [k * k for k in range(count)]
print(times[len(times) // 2], count / (time.perf_counter() - began))
`;

/** For Node, with BullMQ: a worker. Argument: the port of Redis. */
export const BULLMQ_WORKER = `
import { Worker } from "bullmq";
const connection = { host: "127.0.0.1", port: Number(process.argv[1]) };
const worker = new Worker("bench", (job) => Promise.resolve(job.data.x ** 2), { connection, concurrency: 50 });
await worker.waitUntilReady();
console.log("ready");
`;

/** For Node, with BullMQ: as CELERY, with so many calls on their way. */
export const BULLMQ = `
import { Queue, QueueEvents } from "bullmq";
const [port, text] = process.argv.slice(1);
const connection = { host: "127.0.0.1", port: Number(port) };
const kept = { age: 60 };
const queue = new Queue("bench", { connection, defaultJobOptions: { removeOnComplete: kept, removeOnFail: kept } });
const events = new QueueEvents("bench", { connection });
await events.waitUntilReady();
const call = async (x) => {
  const value = await (await queue.add("square", { x })).waitUntilFinished(events);
  if (value !== x * x) throw new Error("wrong");
};
await call(1);
const times = [];
for (let k = 0; k < ${SINGLE_CALLS}; k++) {
  const began = performance.now();
  await call(k);
  times.push(performance.now() - began);
}
times.sort((a, b) => a - b);
const count = Number(text);
let open = 0, wake;
const all = [], began = performance.now();
for (let k = 0; k < count; k++) {
  if (open >= ${CALL_WINDOW}) await new Promise((resolve) => wake = resolve);
  open++;
  all.push(call(k).then(() => { if (--open <= ${CALL_WINDOW / 2}) wake?.(); }));
}
await Promise.all(all);
console.log(times[times.length >> 1], count / (performance.now() - began) * 1000);
process.exit(0);
`;
