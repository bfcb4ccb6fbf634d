package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func declare(o Options) error {
	party, err := o.party()
	if err != nil {
		return err
	}
	if err := party.Declare(o.targets()); err != nil {
		return err
	}
	say("done", nil)
	return nil
}

// open makes all connections, `Ramp` at a time; those that fail are counted and reported.
func open[T any](o Options, one func(i int) (T, error)) ([]T, *errorsOf) {
	made := make([]T, o.Connections)
	good := make([]bool, o.Connections)
	failures := &errorsOf{}
	var wait sync.WaitGroup
	slots := make(chan struct{}, max(1, o.Ramp))
	for i := range made {
		wait.Add(1)
		slots <- struct{}{}
		go func() {
			defer wait.Done()
			defer func() { <-slots }()
			value, err := one(i)
			if err != nil {
				failures.add(err)
				return
			}
			made[i], good[i] = value, true
		}()
	}
	wait.Wait()
	kept := made[:0]
	for i, value := range made {
		if good[i] {
			kept = append(kept, value)
		}
	}
	return kept, failures
}

// publish sends as fast as the broker answers, or at a rate, until it has sent enough or is told to stop.
func publish(o Options) error {
	party, err := o.party()
	if err != nil {
		return err
	}
	targets := o.targets()
	publishers, failures := open(o, func(int) (Publisher, error) { return party.Publisher(&Gate{}) })
	count, texts := failures.report()
	say("ready", map[string]any{"connections": len(publishers), "failures": count, "errors": texts})
	lines := commands()
	if line, ok := <-lines; !ok || line != "go" {
		return nil
	}
	var sent, answered, bytes atomic.Int64
	var stop atomic.Bool
	refused := &errorsOf{}
	began := time.Now()
	var wait sync.WaitGroup
	tickets := pace(o.Rate, &stop)
	turns := make([]turn, len(publishers))
	for i, publisher := range publishers {
		turn := &turns[i]
		turn.answeredAt.Store(int64(began.UnixNano()))
		for range o.Window {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for !stop.Load() {
					if tickets != nil {
						if _, ok := <-tickets; !ok {
							return
						}
					}
					n := sent.Add(1)
					if o.Count > 0 && n > int64(o.Count) {
						return
					}
					if err := publisher.Publish(targets[int(n)%len(targets)], bodyAt(o.Size, time.Now())); err != nil {
						refused.add(err)
						if stop.Load() {
							return
						}
						time.Sleep(10 * time.Millisecond)
						continue
					}
					answered.Add(1)
					turn.answer(time.Now())
					bytes.Add(int64(o.Size))
				}
			}()
		}
	}
	over := make(chan struct{})
	go func() { wait.Wait(); close(over) }()
	second := time.NewTicker(time.Second)
	report := func(event string) {
		count, texts := refused.report()
		fields := toldNow()
		fields["answered"], fields["bytes"] = answered.Load(), bytes.Load()
		fields["seconds"], fields["refused"], fields["errors"] = time.Since(began).Seconds(), count, texts
		least, longest := fairness(turns)
		fields["least"], fields["longestMs"] = least, longest.Milliseconds()
		say(event, fields)
	}
	for {
		select {
		case <-second.C:
			report("second")
		case <-lines:
			stop.Store(true)
			lines = nil
			// What is on its way is waited for as long as answers come. One that never comes must not hold the end.
			go func() {
				for before := int64(-1); before < answered.Load(); time.Sleep(60 * time.Second) {
					before = answered.Load()
				}
				report("stuck")
				finish()
			}()
		case <-over:
			report("done")
			for _, publisher := range publishers {
				go publisher.Close()
			}
			time.Sleep(100 * time.Millisecond)
			return nil
		}
	}
}

// turn is how one of many publishers fares.
type turn struct {
	answered, answeredAt, longest atomic.Int64
}

func (t *turn) answer(now time.Time) {
	t.answered.Add(1)
	waited := now.UnixNano() - t.answeredAt.Swap(now.UnixNano())
	for longest := t.longest.Load(); waited > longest && !t.longest.CompareAndSwap(longest, waited); {
		longest = t.longest.Load()
	}
}

// fairness is what the last of all has got, and the longest time that one of them went without an answer.
func fairness(turns []turn) (least int64, longest time.Duration) {
	for i := range turns {
		answered := turns[i].answered.Load()
		if i == 0 || answered < least {
			least = answered
		}
		longest = max(longest, time.Duration(turns[i].longest.Load()))
	}
	return least, longest
}

// pace gives tickets at a rate, on a fixed schedule; nil: no need of any.
func pace(rate int, stop *atomic.Bool) chan struct{} {
	if rate <= 0 {
		return nil
	}
	tickets := make(chan struct{}, rate)
	go func() {
		defer close(tickets)
		began := time.Now()
		for n := 0; !stop.Load(); n++ {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
			tickets <- struct{}{}
		}
	}()
	return tickets
}
