package main

import (
	"context"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

type amqpParty struct {
	o Options
	// Declaring needs a connection; it is made when it is asked for.
	once sync.Once
}

func (p *amqpParty) connect(gate *Gate) (*amqp.Connection, *amqp.Channel, error) {
	conn, err := p.o.dial(gate)
	if err != nil {
		return nil, nil, err
	}
	connection, err := amqp.Open(conn, amqp.Config{
		SASL:      []amqp.Authentication{&amqp.PlainAuth{Username: "guest", Password: "guest"}},
		Vhost:     "/",
		Heartbeat: time.Duration(p.o.KeepAlive) * time.Second,
		Locale:    "en_US",
	})
	if err != nil {
		return nil, nil, err
	}
	blocked := connection.NotifyBlocked(make(chan amqp.Blocking, 100))
	go func() {
		for b := range blocked {
			if b.Active {
				told.blocked.Add(1)
			} else {
				told.unblocked.Add(1)
			}
		}
	}()
	channel, err := connection.Channel()
	if err != nil {
		return nil, nil, err
	}
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	go func() {
		if reason := <-closed; reason != nil {
			disconnected(reason)
		}
	}()
	return connection, channel, nil
}

const delayed = "overload.delayed"

func (p *amqpParty) Declare(targets []string) error {
	connection, channel, err := p.connect(&Gate{})
	if err != nil {
		return err
	}
	defer connection.Close()
	if p.o.Delay > 0 {
		args := amqp.Table{"x-delayed-type": "direct"}
		if err := channel.ExchangeDeclare(delayed, "x-delayed-message", true, false, false, false, args); err != nil {
			return err
		}
	}
	for _, target := range targets {
		if _, err := channel.QueueDeclare(target, true, false, false, false, nil); err != nil {
			return err
		}
		if p.o.Delay > 0 {
			if err := channel.QueueBind(target, target, delayed, false, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

type amqpPublisher struct {
	o          Options
	connection *amqp.Connection
	channel    *amqp.Channel
}

func (p *amqpParty) Publisher(gate *Gate) (Publisher, error) {
	connection, channel, err := p.connect(gate)
	if err != nil {
		return nil, err
	}
	return &amqpPublisher{p.o, connection, channel}, channel.Confirm(false)
}

func (p *amqpPublisher) Publish(target string, body []byte) error {
	exchange := ""
	if p.o.Fan {
		exchange = "amq.topic"
	}
	message := amqp.Publishing{DeliveryMode: amqp.Persistent, Body: body}
	if p.o.TTL > 0 {
		message.Expiration = time.Duration(p.o.TTL * int(time.Millisecond)).String()
		message.Expiration = itoa(p.o.TTL)
	}
	if p.o.Delay > 0 {
		exchange = delayed
		message.Headers = amqp.Table{"x-delay": int32(p.o.Delay)}
	}
	confirm, err := p.channel.PublishWithDeferredConfirm(exchange, target, false, false, message)
	if err != nil {
		return err
	}
	acked, err := confirm.WaitContext(p.closed())
	if err == nil && !acked {
		err = errNacked
	}
	return err
}

func (p *amqpPublisher) closed() context.Context { return context.Background() }

func (p *amqpPublisher) Close() { _ = p.connection.Close() }

type amqpConsumer struct {
	connection *amqp.Connection
	channel    *amqp.Channel
	ack        bool
	mu         sync.Mutex
	last       uint64
}

func (p *amqpParty) Consumer(gate *Gate, target string, handle func([]byte)) (Consumer, error) {
	connection, channel, err := p.connect(gate)
	if err != nil {
		return nil, err
	}
	if p.o.Prefetch > 0 {
		if err := channel.Qos(p.o.Prefetch, 0, false); err != nil {
			return nil, err
		}
	}
	queue := target
	if p.o.Fan {
		own, err := channel.QueueDeclare("", false, true, true, false, nil)
		if err != nil {
			return nil, err
		}
		if err := channel.QueueBind(own.Name, target, "amq.topic", false, nil); err != nil {
			return nil, err
		}
		queue = own.Name
	}
	consumer := &amqpConsumer{connection: connection, channel: channel, ack: p.o.Ack}
	deliveries, err := channel.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return nil, err
	}
	go consumer.run(deliveries, handle)
	return consumer, nil
}

// run acknowledges in runs: one answer for all that came together.
func (c *amqpConsumer) run(deliveries <-chan amqp.Delivery, handle func([]byte)) {
	for delivery := range deliveries {
		handle(delivery.Body)
		c.mu.Lock()
		c.last = delivery.DeliveryTag
		ack := c.ack && (len(deliveries) == 0 || delivery.DeliveryTag%100 == 0)
		c.mu.Unlock()
		if ack {
			_ = c.channel.Ack(delivery.DeliveryTag, true)
		}
	}
}

func (c *amqpConsumer) AckAll() {
	c.mu.Lock()
	c.ack = true
	last := c.last
	c.mu.Unlock()
	if last > 0 {
		_ = c.channel.Ack(last, true)
	}
}

func (c *amqpConsumer) Close() { _ = c.connection.Close() }
