package main

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Publisher is one connection that publishes. Publish returns when the broker has answered for the message.
type Publisher interface {
	Publish(target string, body []byte) error
	Close()
}

// Consumer is one connection that messages come to. AckAll settles what was not acknowledged so far.
type Consumer interface {
	AckAll()
	Close()
}

// Party makes the clients of one protocol.
type Party interface {
	// Declare makes what is published to and consumed from.
	Declare(targets []string) error
	Publisher(gate *Gate) (Publisher, error)
	Consumer(gate *Gate, target string, handle func(body []byte)) (Consumer, error)
}

var parties = map[string]func(Options) Party{
	"mqtt":  func(o Options) Party { return &mqttParty{o} },
	"amqp":  func(o Options) Party { return &amqpParty{o: o} },
	"kafka": func(o Options) Party { return &kafkaParty{o} },
}

func (o Options) party() (Party, error) {
	make, ok := parties[o.Protocol]
	if !ok {
		return nil, fmt.Errorf("no protocol %q", o.Protocol)
	}
	return make(o), nil
}

// told counts by which means the broker has asked clients to go slow.
var told = struct {
	blocked, unblocked atomic.Int64
	throttleMs         atomic.Int64
	writeBlockedMs     atomic.Int64
	receiveMaximum     atomic.Int64
}{}

// lost are the connections that ended before their time.
var lost = &errorsOf{}

func disconnected(err error) { lost.add(err) }

func toldNow() map[string]any {
	count, texts := lost.report()
	return map[string]any{
		"lost":           count,
		"lostErrors":     texts,
		"blocked":        told.blocked.Load(),
		"unblocked":      told.unblocked.Load(),
		"throttleMs":     told.throttleMs.Load(),
		"writeBlockedMs": told.writeBlockedMs.Load(),
		"receiveMaximum": told.receiveMaximum.Load(),
	}
}

// A body begins with when it was due to be sent, so that whoever gets it knows how old it is.
func bodyAt(size int, at time.Time) []byte {
	body := make([]byte, max(size, 8))
	binary.BigEndian.PutUint64(body, uint64(at.UnixNano()))
	return body
}

func sentAt(body []byte) time.Time {
	if len(body) < 8 {
		return time.Now()
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(body)))
}

// errorsOf keeps the first few different errors, and counts all.
type errorsOf struct {
	sync.Mutex
	count int
	texts []string
}

func (e *errorsOf) add(err error) {
	e.Lock()
	defer e.Unlock()
	e.count++
	for _, text := range e.texts {
		if text == err.Error() {
			return
		}
	}
	if len(e.texts) < 5 {
		e.texts = append(e.texts, err.Error())
	}
}

func (e *errorsOf) report() (int, []string) {
	e.Lock()
	defer e.Unlock()
	return e.count, append([]string{}, e.texts...)
}
