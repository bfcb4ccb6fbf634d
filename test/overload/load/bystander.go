package main

import (
	"sync"
	"time"
)

// bystander publishes at a fixed schedule and consumes what it published, and reports for each second how long after
// their due time the messages were answered and delivered. A publish that is late does not make the next one late.
func bystander(o Options) error {
	party, err := o.party()
	if err != nil {
		return err
	}
	if err := party.Declare([]string{o.Target}); err != nil {
		return err
	}
	var mu sync.Mutex
	var answeredUs, deliveredUs []int64
	refused := &errorsOf{}
	sent := 0
	if _, err := party.Consumer(&Gate{}, o.Target, func(body []byte) {
		age := time.Since(sentAt(body)).Microseconds()
		mu.Lock()
		deliveredUs = append(deliveredUs, age)
		mu.Unlock()
	}); err != nil {
		return err
	}
	publisher, err := party.Publisher(&Gate{})
	if err != nil {
		return err
	}
	// The first takes longer: routes, topics and metadata are looked up.
	if err := publisher.Publish(o.Target, bodyAt(o.Size, time.Now())); err != nil {
		return err
	}
	say("ready", nil)
	lines := commands()
	rate := max(1, o.Rate)
	second := time.NewTicker(time.Second)
	began := time.Now()
	due := time.NewTimer(0)
	for n := 0; ; {
		select {
		case <-due.C:
			for {
				at := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
				if at.After(time.Now()) {
					break
				}
				go func() {
					err := publisher.Publish(o.Target, bodyAt(o.Size, at))
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						refused.add(err)
					} else {
						answeredUs = append(answeredUs, time.Since(at).Microseconds())
					}
				}()
				n++
				sent++
			}
			due.Reset(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
		case <-second.C:
			count, texts := refused.report()
			mu.Lock()
			fields := map[string]any{
				"sent": sent, "answeredUs": answeredUs, "deliveredUs": deliveredUs, "refused": count, "errors": texts,
			}
			answeredUs, deliveredUs = nil, nil
			mu.Unlock()
			say("second", fields)
		case <-lines:
			return nil
		}
	}
}
