"""pika: declares, confirms, returns, prefetch, headers, heartbeats; prints "all well" at the end."""

import sys
import time

import pika
from pika.exceptions import ChannelClosedByBroker, UnroutableError

host, port = sys.argv[1].split(":")
parameters = pika.ConnectionParameters(
    host, int(port), heartbeat=1, credentials=pika.PlainCredentials("guest", "guest")
)
connection = pika.BlockingConnection(parameters)
channel = connection.channel()

channel.exchange_declare("pika.topic", "topic", durable=True)
queue = channel.queue_declare("pika", durable=True, arguments={"x-max-priority": 10}).method.queue
channel.queue_bind(queue, "pika.topic", "a.#")
channel.confirm_delivery()
for i in range(200):
    channel.basic_publish(
        "pika.topic",
        f"a.{i}",
        f"m{i}".encode(),
        pika.BasicProperties(
            delivery_mode=2,
            content_type="text/plain",
            message_id=str(i),
            headers={"i": i, "big": 2**40, "bytes": b"\x00\xff", "text": "ä", "none": None, "list": [1, "x"], "table": {"k": True}},
        ),
    )
try:
    channel.basic_publish("pika.topic", "nowhere", b"x", mandatory=True)
    raise AssertionError("a mandatory message was not returned")
except UnroutableError as error:
    assert error.messages[0].method.reply_code == 312

channel.basic_qos(prefetch_count=10)
seen = []
for method, properties, body in channel.consume(queue, inactivity_timeout=10):
    assert method is not None, f"only {len(seen)} messages"
    i = len(seen)
    assert (method.routing_key, body, properties.message_id) == (f"a.{i}", f"m{i}".encode(), str(i))
    assert properties.headers == {
        "i": i, "big": 2**40, "bytes": b"\x00\xff", "text": "ä", "none": None, "list": [1, "x"], "table": {"k": True}
    }, properties.headers
    channel.basic_ack(method.delivery_tag)
    seen.append(body)
    if len(seen) == 200:
        break
channel.cancel()
assert channel.queue_declare(queue, passive=True).method.message_count == 0

# Two and a half heartbeat intervals without a word from us but heartbeats.
connection.sleep(2.5)
assert connection.is_open
method, _, body = channel.basic_get(queue)
assert method is None

# A blocking consumer that is too busy to send heartbeats loses its connection.
time.sleep(3.5)
try:
    channel.queue_declare("", exclusive=True)
    raise AssertionError("missed heartbeats went unnoticed")
except (pika.exceptions.AMQPConnectionError, pika.exceptions.ConnectionClosed, pika.exceptions.StreamLostError):
    pass
connection = pika.BlockingConnection(parameters)
channel = connection.channel()

try:
    connection.channel().queue_declare(queue, durable=False)
    raise AssertionError("an inequivalent queue was accepted")
except ChannelClosedByBroker as error:
    assert error.reply_code == 406, error

try:
    pika.BlockingConnection(pika.ConnectionParameters(host, int(port), credentials=pika.PlainCredentials("guest", "no")))
    raise AssertionError("a wrong password was accepted")
except (pika.exceptions.ProbableAuthenticationError, pika.exceptions.ConnectionClosedByBroker):
    pass

channel.queue_delete(queue)
connection.close()
print("all well")
