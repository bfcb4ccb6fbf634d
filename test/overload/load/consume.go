package main

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func finish() { os.Exit(0) }

// consume stands with many consumers. Commands: `shut` and `open` stop and go on reading, `ack` acknowledges all that
// came and what will come, `close` says goodbye for all at once, `drop` ends the process without a word.
func consume(o Options) error {
	party, err := o.party()
	if err != nil {
		return err
	}
	targets := o.targets()
	gate := &Gate{}
	var messages, bytes, oldestUs atomic.Int64
	handle := func(body []byte) {
		messages.Add(1)
		bytes.Add(int64(len(body)))
		age := time.Since(sentAt(body)).Microseconds()
		for old := oldestUs.Load(); age > old && !oldestUs.CompareAndSwap(old, age); old = oldestUs.Load() {
		}
	}
	began := time.Now()
	consumers, failures := open(o, func(i int) (Consumer, error) {
		return party.Consumer(gate, targets[i%len(targets)], handle)
	})
	if !o.Read {
		// A Kafka client connects and asks by itself, a little later.
		time.Sleep(time.Second)
		gate.Shut()
	}
	count, texts := failures.report()
	say("ready", map[string]any{
		"connections": len(consumers), "failures": count, "errors": texts, "seconds": time.Since(began).Seconds(),
	})
	second := time.NewTicker(time.Second)
	report := func(event string) {
		fields := toldNow()
		fields["messages"], fields["bytes"], fields["oldestUs"] = messages.Load(), bytes.Load(), oldestUs.Swap(0)
		say(event, fields)
	}
	lines := commands()
	for {
		select {
		case <-second.C:
			report("second")
		case line, ok := <-lines:
			switch {
			case !ok || line == "drop":
				finish()
			case line == "shut":
				gate.Shut()
			case line == "open":
				gate.Open()
			case line == "ack":
				for _, consumer := range consumers {
					consumer.AckAll()
				}
			case line == "close":
				closeAll(consumers)
				report("done")
				return nil
			}
		}
	}
}

func closeAll(consumers []Consumer) {
	var wait sync.WaitGroup
	for _, consumer := range consumers {
		wait.Add(1)
		go func() { defer wait.Done(); consumer.Close() }()
	}
	over := make(chan struct{})
	go func() { wait.Wait(); close(over) }()
	select {
	case <-over:
	case <-time.After(30 * time.Second):
	}
}
