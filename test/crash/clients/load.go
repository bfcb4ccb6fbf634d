package main

import (
	"encoding/binary"
	"sync"
)

// Sequence checks one ordered stream of numbers 0, 1, 2, ... as it comes.
type Sequence struct {
	name string
	// Again says whether a number may come a second time, before its consumer has settled it.
	again bool
	// Holes says whether numbers may be missing, as after retention.
	holes       bool
	next        int64
	redelivered int64
}

func (s *Sequence) see(n int64) {
	switch {
	case n == s.next, n > s.next && s.holes:
		s.next = n + 1
	case n > s.next:
		broken("%s: %d came, %d was next: lost or out of order", s.name, n, s.next)
	case s.again:
		s.redelivered++
	default:
		broken("%s: %d came again, %d was next", s.name, n, s.next)
	}
}

// Load counts what one kind of client was promised and has seen. Partitions are ordered each for itself.
type Load struct {
	sync.Mutex
	name string
	// acked is the number after the last acknowledged one, sent the one after the last sent.
	acked, sent []int64
	// seen are streams of consumers: each has its share of partitions.
	seen []*Sequence
	// confirmed counts what consumers were promised not to get again.
	confirmed int64
}

func newLoad(name string, partitions int) *Load {
	return &Load{name: name, acked: make([]int64, partitions), sent: make([]int64, partitions)}
}

func (l *Load) stream(s *Sequence) *Sequence {
	l.Lock()
	defer l.Unlock()
	l.seen = append(l.seen, s)
	return s
}

// saw passes a number to a stream under the lock that the reports take.
func (l *Load) saw(s *Sequence, n int64) {
	l.Lock()
	defer l.Unlock()
	s.see(n)
}

func (l *Load) counts() map[string]any {
	l.Lock()
	defer l.Unlock()
	var acked, redelivered, seen int64
	for _, n := range l.acked {
		acked += n
	}
	for _, s := range l.seen {
		redelivered += s.redelivered
		seen += s.next
	}
	return map[string]any{
		"name": l.name, "acked": acked, "seen": seen, "duplicates": 0, "redelivered": redelivered, "confirmed": l.confirmed,
	}
}

// complete: everything sent was acknowledged, and every stream has come to its end. Of what others publish they know.
func (l *Load) complete() bool {
	l.Lock()
	defer l.Unlock()
	for i, sent := range l.sent {
		if l.acked[i] != sent {
			return false
		}
	}
	for i, s := range l.seen {
		if len(l.sent) > 0 && s.next < l.sent[i%len(l.sent)] {
			return false
		}
	}
	return true
}

func body(n int64, size int) []byte {
	bytes := make([]byte, size)
	binary.BigEndian.PutUint64(bytes, uint64(n))
	return bytes
}

func number(body []byte) int64 {
	if len(body) < 8 {
		broken("a message of %d bytes", len(body))
	}
	return int64(binary.BigEndian.Uint64(body))
}
