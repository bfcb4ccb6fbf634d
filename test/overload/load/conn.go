package main

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Gate stops and goes on reading from the connections that were opened through it, below the client library: a client
// that does not read, as the broker sees it.
type Gate struct {
	mu     sync.Mutex
	closed chan struct{}
}

// Shut lets nothing through until Open. What is being read is still read.
func (g *Gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		g.closed = make(chan struct{})
	}
}

func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

func (g *Gate) wait() {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed != nil {
		<-closed
	}
}

type gatedConn struct {
	net.Conn
	gate  *Gate
	ended atomic.Bool
	once  sync.Once
}

func (c *gatedConn) Read(b []byte) (int, error) {
	c.gate.wait()
	if c.ended.Load() {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(b)
	// What had come before the gate was shut is not for the client to see yet.
	c.gate.wait()
	return n, err
}

// Write notes how long the broker's side of TCP made it wait.
func (c *gatedConn) Write(b []byte) (int, error) {
	began := time.Now()
	n, err := c.Conn.Write(b)
	if took := time.Since(began); took > 5*time.Millisecond {
		told.writeBlockedMs.Add(took.Milliseconds())
	}
	return n, err
}

func (c *gatedConn) Close() error {
	c.ended.Store(true)
	c.gate.Open()
	return c.Conn.Close()
}

// SetReadDeadline does nothing: what is behind a shut gate comes late, and the library would take the broker for gone.
func (c *gatedConn) SetReadDeadline(time.Time) error { return nil }

var dials atomic.Int64

// dial opens a connection; the sources take turns, so that the ports of one address do not run out.
func (o Options) dial(gate *Gate) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 60 * time.Second}
	if o.Sources > 1 {
		last := 1 + dials.Add(1)%int64(o.Sources)
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("127.0.0.%d", last))}
	}
	conn, err := dialer.Dial("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	if !o.Read {
		// The kernel would take many megabytes for who does not read: the broker is what is looked at.
		_ = conn.(*net.TCPConn).SetReadBuffer(64 * 1024)
	}
	return &gatedConn{Conn: conn, gate: gate}, nil
}
