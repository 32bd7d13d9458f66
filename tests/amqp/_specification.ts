/**
 * What the specification of AMQP 0-9-1, with RabbitMQ's additions, says of the methods that are
 * used: the name, the numbers of class and method, and each argument with its type, in words of our
 * own. The codec's table is checked against it.
 *
 * @module
 */

export const METHODS_IN_WORDS = `
connection.start 10.10 major:octet minor:octet about:table ways-to-log-in:longstr languages:longstr
connection.start-ok 10.11 about:table way-to-log-in:shortstr proof:longstr language:shortstr
connection.tune 10.30 most-channels:short longest-frame:long heartbeat:short
connection.tune-ok 10.31 most-channels:short longest-frame:long heartbeat:short
connection.open 10.40 vhost:shortstr unused:shortstr unused:bit
connection.open-ok 10.41 unused:shortstr
connection.close 10.50 code:short text:shortstr of-class:short of-method:short
connection.close-ok 10.51
connection.blocked 10.60 reason:shortstr
connection.unblocked 10.61
channel.open 20.10 unused:shortstr
channel.open-ok 20.11 unused:longstr
channel.flow 20.20 active:bit
channel.flow-ok 20.21 active:bit
channel.close 20.40 code:short text:shortstr of-class:short of-method:short
channel.close-ok 20.41
exchange.declare 40.10 unused:short exchange:shortstr kind:shortstr passive:bit durable:bit deleted-after-use:bit internal:bit no-answer:bit more:table
exchange.declare-ok 40.11
queue.declare 50.10 unused:short queue:shortstr passive:bit durable:bit exclusive:bit deleted-after-use:bit no-answer:bit more:table
queue.declare-ok 50.11 queue:shortstr messages:long consumers:long
queue.bind 50.20 unused:short queue:shortstr exchange:shortstr key:shortstr no-answer:bit more:table
queue.bind-ok 50.21
queue.purge 50.30 unused:short queue:shortstr no-answer:bit
queue.purge-ok 50.31 messages:long
queue.delete 50.40 unused:short queue:shortstr only-unused:bit only-empty:bit no-answer:bit
queue.delete-ok 50.41 messages:long
basic.qos 60.10 most-bytes:long most-messages:short for-channel:bit
basic.qos-ok 60.11
basic.consume 60.20 unused:short queue:shortstr consumer:shortstr not-own:bit without-acks:bit exclusive:bit no-answer:bit more:table
basic.consume-ok 60.21 consumer:shortstr
basic.cancel 60.30 consumer:shortstr no-answer:bit
basic.cancel-ok 60.31 consumer:shortstr
basic.publish 60.40 unused:short exchange:shortstr key:shortstr mandatory:bit unused:bit
basic.return 60.50 code:short text:shortstr exchange:shortstr key:shortstr
basic.deliver 60.60 consumer:shortstr number:longlong redelivered:bit exchange:shortstr key:shortstr
basic.ack 60.80 number:longlong and-below:bit
basic.nack 60.120 number:longlong and-below:bit back:bit
confirm.select 85.10 no-answer:bit
confirm.select-ok 85.11
`;

export const PROPERTIES_IN_WORDS = `
content-type:shortstr content-encoding:shortstr headers:table delivery-mode:octet
priority:octet correlation-id:shortstr reply-to:shortstr expiration:shortstr
message-id:shortstr timestamp:timestamp type:shortstr user-id:shortstr
app-id:shortstr cluster-id:shortstr
`;
