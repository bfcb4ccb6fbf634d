"""paho-mqtt, as its users write it: python3 paho_round_trip.py HOST PORT VERSION TRANSPORT"""

import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

host, port, version, transport = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
protocol = {3: mqtt.MQTTv31, 4: mqtt.MQTTv311, 5: mqtt.MQTTv5}[version]


def client(client_id, clean=True):
    arguments = {"client_id": client_id, "protocol": protocol, "transport": transport}
    if version < 5:
        arguments["clean_session"] = clean
    made = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, **arguments)
    if transport == "websockets":
        made.ws_set_options(path="/mqtt")
    return made


def connect(made, clean=True):
    connected = threading.Event()
    made.on_connect = lambda c, u, flags, reason, properties: connected.set() if not reason.is_failure else None
    if version == 5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0 if clean else 3600
        made.connect(host, port, 30, clean_start=clean, properties=properties)
    else:
        made.connect(host, port, 30)
    made.loop_start()
    assert connected.wait(10), "no CONNACK"


def leave(made):
    made.disconnect()
    made.loop_stop()


received = []
arrived = threading.Condition()


def on_message(c, u, message):
    with arrived:
        received.append(message)
        arrived.notify()


def take(count):
    with arrived:
        assert arrived.wait_for(lambda: len(received) >= count, 10), f"{len(received)} of {count} messages"


subscriber = client("paho-subscriber", clean=False)
subscriber.on_message = on_message
granted = threading.Event()
subscriber.on_subscribe = lambda c, u, mid, reasons, properties: granted.set()
connect(subscriber, clean=False)
subscriber.subscribe([("paho/+/x", 2), ("paho/retained", 1)])
assert granted.wait(10), "no SUBACK"

publisher = client("paho-publisher")
publisher.will_set("paho/will/x", "gone", qos=1)
connect(publisher)
for qos in (0, 1, 2):
    publisher.publish(f"paho/{qos}/x", f"body {qos}", qos=qos).wait_for_publish(10)
take(3)
assert sorted((m.topic, m.payload.decode(), m.qos) for m in received) == [
    (f"paho/{qos}/x", f"body {qos}", qos) for qos in (0, 1, 2)
]

# offline, then back: the session has kept what came
leave(subscriber)
for i in range(20):
    publisher.publish("paho/away/x", str(i), qos=2).wait_for_publish(10)
publisher.publish("paho/retained", "kept", qos=1, retain=True).wait_for_publish(10)
connect(subscriber, clean=False)
take(24)
assert [m.payload.decode() for m in received if m.topic == "paho/away/x"] == [str(i) for i in range(20)]

if version == 5:
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("a", "1"), ("a", "2")]
    properties.ContentType = "text/plain"
    properties.ResponseTopic = "answer/here"
    properties.CorrelationData = b"\x00\xff"
    publisher.publish("paho/properties/x", "p", qos=1, properties=properties).wait_for_publish(10)
    take(25)
    got = received[-1].properties
    assert got.UserProperty == [("a", "1"), ("a", "2")], got.UserProperty
    assert (got.ContentType, got.ResponseTopic, got.CorrelationData) == ("text/plain", "answer/here", b"\x00\xff")

late = client("paho-late")
late.on_message = on_message
connect(late)
count = len(received)
late.subscribe("paho/retained", 1)
take(count + 1)
assert received[-1].retain and received[-1].payload == b"kept"

for made in (subscriber, publisher, late):
    leave(made)
print("all good")
