package main

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	txQueue    = "kill.tx"
	txPrefetch = 50
	txBatch    = 25
)

// transactions consumes with tx.commit, by which AMQP confirms acknowledgements: what it has answered must not come
// back. Another program publishes to the queue: bodies are `number copy ...`, where each publish is a copy of its own.
func transactions(config Config) *Load {
	load := newLoad("AMQP, tx consumer", 0)
	consumer := &txConsumer{load: load, stream: load.stream(&Sequence{name: txQueue, again: true}), confirmed: -1}
	go func() {
		for ; ; time.Sleep(50 * time.Millisecond) {
			consumer.untilBroken(config)
		}
	}()
	return load
}

type txConsumer struct {
	load   *Load
	stream *Sequence
	// The highest copy whose acknowledgement was confirmed: the queue is in the order of copies.
	confirmed int64
}

func (c *txConsumer) untilBroken(config Config) {
	connection, err := amqp.DialConfig("amqp://guest:guest@"+config.AMQP+"/", amqp.Config{Heartbeat: 5 * time.Second})
	if err != nil {
		return
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil || channel.Tx() != nil || channel.Qos(txPrefetch, 0, false) != nil {
		return
	}
	deliveries, err := channel.Consume(txQueue, "", false, false, false, false, nil)
	if err != nil {
		return
	}
	last, count := c.confirmed, 0
	var tag uint64
	for {
		select {
		case delivery, open := <-deliveries:
			if !open {
				return
			}
			var n, copy int64
			if _, err := fmt.Sscanf(string(delivery.Body), "%d %d ", &n, &copy); err != nil {
				broken("%s: %v in %q", txQueue, err, delivery.Body)
			}
			if copy <= last {
				broken("%s: copy %d came after %d, confirmed was %d", txQueue, copy, last, c.confirmed)
			}
			c.load.saw(c.stream, n)
			last, tag = copy, delivery.DeliveryTag
			if count++; count < txBatch {
				continue
			}
		case <-time.After(20 * time.Millisecond):
			if count == 0 {
				continue
			}
		}
		if channel.Ack(tag, true) != nil || channel.TxCommit() != nil {
			return
		}
		c.confirmed = last
		c.load.Lock()
		c.load.confirmed += int64(count)
		c.load.Unlock()
		count = 0
	}
}
