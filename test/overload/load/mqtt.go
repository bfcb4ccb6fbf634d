package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

type mqttParty struct{ o Options }

func topicOf(target string) string { return strings.ReplaceAll(target, ".", "/") }

var mqttClients atomic.Int64

func (p *mqttParty) Declare([]string) error { return nil }

func (p *mqttParty) connect(gate *Gate, config paho.ClientConfig, session bool) (*paho.Client, error) {
	conn, err := p.o.dial(gate)
	if err != nil {
		return nil, err
	}
	// A packet is written in several pieces.
	config.Conn = packets.NewThreadSafeConn(conn)
	config.PacketTimeout = 10 * time.Minute
	config.OnServerDisconnect = func(d *paho.Disconnect) { disconnected(fmt.Errorf("reason 0x%02x", d.ReasonCode)) }
	config.OnClientError = disconnected
	client := paho.NewClient(config)
	connect := &paho.Connect{
		ClientID:   fmt.Sprintf("load-%d-%d", os.Getpid(), mqttClients.Add(1)),
		KeepAlive:  uint16(p.o.KeepAlive),
		CleanStart: true,
	}
	if session {
		expiry := uint32(3600)
		connect.Properties = &paho.ConnectProperties{SessionExpiryInterval: &expiry}
	}
	ack, err := client.Connect(context.Background(), connect)
	if err != nil {
		return nil, err
	}
	if ack.Properties.ReceiveMaximum != nil {
		told.receiveMaximum.Store(int64(*ack.Properties.ReceiveMaximum))
	}
	return client, nil
}

type mqttPublisher struct {
	client *paho.Client
	// Ends with the connection: a publish waits for its session to go on otherwise.
	connected context.Context
}

func (p *mqttParty) Publisher(gate *Gate) (Publisher, error) {
	client, err := p.connect(gate, paho.ClientConfig{}, false)
	if err != nil {
		return nil, err
	}
	connected, end := context.WithCancel(context.Background())
	go func() { <-client.Done(); end() }()
	return &mqttPublisher{client, connected}, nil
}

func (p *mqttPublisher) Publish(target string, body []byte) error {
	answer, err := p.client.Publish(p.connected, &paho.Publish{QoS: 1, Topic: topicOf(target), Payload: body})
	// Nobody listens: that is an answer, too.
	if answer != nil && answer.ReasonCode == 0x10 {
		return nil
	}
	return err
}

func (p *mqttPublisher) Close() { _ = p.client.Disconnect(&paho.Disconnect{}) }

type mqttConsumer struct {
	client *paho.Client
	mu     sync.Mutex
	held   []*paho.Publish
	ack    bool
}

func (p *mqttParty) Consumer(gate *Gate, target string, handle func([]byte)) (Consumer, error) {
	consumer := &mqttConsumer{}
	config := paho.ClientConfig{
		EnableManualAcknowledgment: !p.o.Ack,
		SendAcksInterval:           100 * time.Millisecond,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
			handle(r.Packet.Payload)
			if !p.o.Ack {
				consumer.mu.Lock()
				defer consumer.mu.Unlock()
				if !consumer.ack {
					consumer.held = append(consumer.held, r.Packet)
					return true, nil
				}
				_ = r.Client.Ack(r.Packet)
			}
			return true, nil
		}},
	}
	client, err := p.connect(gate, config, p.o.Session)
	if err != nil {
		return nil, err
	}
	consumer.client = client
	qos := byte(0)
	if p.o.Session || !p.o.Ack {
		qos = 1
	}
	_, err = client.Subscribe(context.Background(), &paho.Subscribe{
		Subscriptions: []paho.SubscribeOptions{{Topic: topicOf(target), QoS: qos}},
	})
	return consumer, err
}

// AckAll acknowledges what has come, and from now on what comes.
func (c *mqttConsumer) AckAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.held
	c.held, c.ack = nil, true
	for _, publish := range held {
		_ = c.client.Ack(publish)
	}
}

func (c *mqttConsumer) Close() { _ = c.client.Disconnect(&paho.Disconnect{}) }
