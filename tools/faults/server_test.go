package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/docspace-go/userdata/wrapper"
)

// server is a portal on a socket, which does as the fault says once that is due.
type server struct {
	fault   socketFault
	script  *script
	ln      net.Listener
	wg      sync.WaitGroup
	mu      sync.Mutex
	conns   map[net.Conn]bool
	warming atomic.Bool
	written atomic.Int64
}

func serve(fault socketFault, script *script) (*server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{fault: fault, script: script, ln: ln, conns: map[net.Conn]bool{}}
	s.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.wg.Go(func() {
				s.handle(conn)
				conn.Close()
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
			})
		}
	})
	return s, nil
}

// due tells whether the fault is, for what comes before a request: a lookup, a connection, a handshake.
func (s *server) due() bool {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	total := 0
	for _, n := range s.script.asked {
		total += n
	}
	return total >= s.script.goods()
}

// quit waits for the client to close its connections, and returns how many it has not.
func (s *server) quit(client *wrapper.Client) (open int) {
	s.ln.Close()
	for began := time.Now(); time.Since(began) < 2*time.Second; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		open = len(s.conns)
		s.mu.Unlock()
		if client != nil {
			client.CloseIdleConnections() // HTTP/2 takes a moment to see that one is
		}
		if open == 0 {
			break
		}
	}
	s.drop()
	s.wg.Wait()
	return open
}

// drop closes all connections.
func (s *server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.Close()
	}
}

// wire is a connection with what has been read of it.
type wire struct {
	net.Conn
	r *bufio.Reader
	s *server
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.s.written.Add(int64(n))
	return n, err
}

func (s *server) handle(conn net.Conn) {
	early := s.fault.bare != nil || s.fault.cert != nil || s.fault.open != nil
	due := early && s.due()
	if due && s.fault.bare != nil {
		s.fault.bare(&wire{conn, bufio.NewReader(conn), s})
		return
	}
	if s.fault.tls {
		config := &tls.Config{Certificates: []tls.Certificate{authority.good}, NextProtos: s.fault.protocols}
		if due && s.fault.cert != nil {
			config = s.fault.cert()
		}
		secure := tls.Server(conn, config)
		if secure.Handshake() != nil {
			return
		}
		conn = secure
	}
	w := &wire{conn, bufio.NewReader(conn), s}
	if due && s.fault.open != nil {
		s.fault.open(w)
		return
	}
	if secure, ok := conn.(*tls.Conn); ok && secure.ConnectionState().NegotiatedProtocol == "h2" {
		serveHTTP2(w)
		return
	}
	for {
		req, err := http.ReadRequest(w.r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		good, faulty := s.next(req)
		if !faulty || s.fault.h2 != nil {
			closing := ""
			if early || s.script.stage == nextLook {
				closing = "Connection: close\r\n" // so that the next request needs a new one
			}
			fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s", len(good), closing, good)
			if closing != "" {
				return
			}
			continue
		}
		if !s.fault.answer(w, req, good) {
			return
		}
	}
}

func (s *server) next(req *http.Request) (good string, due bool) {
	s.script.note(req, s.script.origin)
	if s.warming.Load() {
		return s.script.op.good, false
	}
	good, _, due = s.script.next(req.Method)
	return good, due
}

// holds says nothing until the client closes the connection.
func (w *wire) holds() { _, _ = io.Copy(io.Discard, w.r) }

// resets ends the connection the hard way.
func (w *wire) resets() {
	raw := w.Conn
	if secure, ok := raw.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	_ = raw.(*net.TCPConn).SetLinger(0)
	raw.Close()
}

// closes sends all, ends the connection, and waits for the client to see that.
func (w *wire) closes() {
	raw := w.Conn
	if secure, ok := raw.(*tls.Conn); ok {
		_ = secure.CloseWrite()
		raw = secure.NetConn()
	}
	_ = raw.(*net.TCPConn).CloseWrite()
	w.holds()
}

// drips sends the last byte again now and then, for as long as the client waits.
func (w *wire) drips(text string) {
	_, err := w.Write([]byte(text))
	for ; err == nil; _, err = w.Write([]byte(text[len(text)-1:])) {
		time.Sleep(5 * time.Millisecond)
	}
}

// endless sends the same again and again, for as long as the client takes it.
func (w *wire) endless(text string) {
	chunk := []byte(strings.Repeat(text, max(1, 32<<10/len(text))))
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// authority makes the certificates of all servers.
var authority struct {
	pool                                                    *x509.CertPool
	good, other, expired, early, selfSigned, stranger, bare tls.Certificate
}

func makeCertificates() error {
	issue := func(template x509.Certificate, issuer *x509.Certificate, by *ecdsa.PrivateKey) (tls.Certificate, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return tls.Certificate{}, err
		}
		if issuer == nil {
			issuer, by = &template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, &template, issuer, &key.PublicKey, by)
		if err != nil {
			return tls.Certificate{}, err
		}
		leaf, err := x509.ParseCertificate(der)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
	}
	now := time.Now()
	template := func(name string, ca bool) x509.Certificate {
		return x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: ca, BasicConstraintsValid: ca,
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	}
	trusted, err := issue(template("trusted", true), nil, nil)
	if err != nil {
		return err
	}
	unknown, err := issue(template("unknown", true), nil, nil)
	if err != nil {
		return err
	}
	authority.pool = x509.NewCertPool()
	authority.pool.AddCert(trusted.Leaf)
	here := []net.IP{net.IPv4(127, 0, 0, 1)}
	for _, one := range []struct {
		into *tls.Certificate
		by   *tls.Certificate
		set  func(*x509.Certificate)
	}{
		{&authority.good, &trusted, func(c *x509.Certificate) { c.IPAddresses = here }},
		{&authority.other, &trusted, func(c *x509.Certificate) { c.DNSNames = []string{"evil.test"} }},
		{&authority.bare, &trusted, func(*x509.Certificate) {}},
		{&authority.expired, &trusted, func(c *x509.Certificate) { c.IPAddresses, c.NotAfter = here, now.Add(-time.Minute) }},
		{&authority.early, &trusted, func(c *x509.Certificate) { c.IPAddresses, c.NotBefore = here, now.Add(30*time.Minute) }},
		{&authority.stranger, &unknown, func(c *x509.Certificate) { c.IPAddresses = here }},
		{&authority.selfSigned, nil, func(c *x509.Certificate) { c.IPAddresses = here }},
	} {
		t := template("portal", false)
		one.set(&t)
		var issuer *x509.Certificate
		var key *ecdsa.PrivateKey
		if one.by != nil {
			issuer, key = one.by.Leaf, one.by.PrivateKey.(*ecdsa.PrivateKey)
		}
		if *one.into, err = issue(t, issuer, key); err != nil {
			return err
		}
	}
	return nil
}

// names answers lookups: each name as its server's fault says, once that is due.
type names struct {
	conn    net.PacketConn
	servers sync.Map // of *server, by the first label of the name
	done    chan struct{}
}

func serveNames() (*names, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &names{conn: conn, done: make(chan struct{})}
	go func() {
		defer close(n.done)
		buf := make([]byte, 4<<10)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, answer := range n.answers(buf[:size]) {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return n, nil
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *names) answers(query []byte) [][]byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil
	}
	question, err := parser.Question()
	if err != nil {
		return nil
	}
	label, _, _ := strings.Cut(question.Name.String(), ".")
	found, ok := n.servers.Load(label)
	if !ok {
		return nil
	}
	s := found.(*server)
	answer := dnsmessage.Message{Header: dnsmessage.Header{ID: header.ID, Response: true, RecursionAvailable: true}, Questions: []dnsmessage.Question{question}}
	good := answer
	if question.Type == dnsmessage.TypeA {
		good.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET},
			Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	}
	packed, _ := good.Pack()
	if !s.due() {
		return [][]byte{packed}
	}
	return s.fault.name(answer, packed)
}

// overSockets runs the faults that need sockets: most of them side by side, those that cost memory one by one.
func overSockets(t *testing.T) {
	if err := makeCertificates(); err != nil {
		t.Fatal(err)
	}
	dns, err := serveNames()
	if err != nil {
		t.Fatal(err)
	}
	shared := http.DefaultTransport.(*http.Transport) // the client makes its own from a copy of it
	config, resolver := shared.TLSClientConfig, net.DefaultResolver
	shared.TLSClientConfig, net.DefaultResolver = &tls.Config{RootCAs: authority.pool}, dns.resolver()
	t.Cleanup(func() {
		shared.TLSClientConfig, net.DefaultResolver = config, resolver
		dns.conn.Close()
		<-dns.done
	})
	type job struct {
		cell  *cell
		fault socketFault
	}
	var light, heavy []*job
	for _, fault := range socketFaults() {
		for _, stage := range []string{direct, nextLook} {
			if stage != direct && (fault.alone || fault.facts.on(http.MethodGet).hang && !strings.Contains(fault.row, "waiting")) {
				continue
			}
			for _, op := range operations {
				c := newCell(stage, fault.row, op, fault.facts)
				switch {
				case c == nil:
				case fault.heavy:
					heavy = append(heavy, &job{cell: c, fault: fault})
				default:
					light = append(light, &job{cell: c, fault: fault})
				}
			}
		}
	}
	queue := make(chan *job)
	var workers sync.WaitGroup
	for range 64 {
		workers.Go(func() {
			for j := range queue {
				j.cell.judge(j.cell.overSocket(j.fault, dns))
			}
		})
	}
	for _, j := range light {
		queue <- j
	}
	close(queue)
	workers.Wait()
	for _, j := range heavy {
		j.cell.judge(j.cell.overSocket(j.fault, dns))
	}
	for _, j := range append(light, heavy...) {
		t.Run(j.cell.row+"/"+j.cell.op.id, func(t *testing.T) { j.cell.report(t) })
	}
}

var serial atomic.Int64

// overSocket makes the call of a cell over sockets.
func (c *cell) overSocket(fault socketFault, dns *names) (o outcome) {
	c.limit = 5 * time.Second
	switch {
	case fault.h2 != nil && fault.alone:
		c.limit = time.Second // for net/http to show how often it tries
	case c.facts.hang:
		c.limit = 500 * time.Millisecond
	}
	if c.facts.then != nil {
		c.script.limit = 1
	}
	s, err := serve(fault, c.script)
	if err != nil {
		return outcome{err: err}
	}
	scheme := "http://"
	if fault.tls && !fault.plain {
		scheme = "https://"
	}
	base := scheme + s.ln.Addr().String()
	id := fmt.Sprintf("cell-%d", serial.Add(1))
	if fault.name != nil {
		dns.servers.Store(id, s)
		defer dns.servers.Delete(id)
		_, port, _ := net.SplitHostPort(s.ln.Addr().String())
		base = "http://" + id + ".portal.test:" + port
	}
	c.script.origin = base
	opts := []wrapper.Option{wrapper.WithTimeout(c.limit), wrapper.WithRetry(wrapper.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: longestDelay}), wrapper.WithPlainHTTP()}
	if fault.transport != nil {
		opts = append(opts, wrapper.WithHTTPClient(&http.Client{Transport: fault.transport(s)}))
		if fault.proxied {
			base = portal
		}
	}
	if fault.warm {
		cold := c.op.call
		c.op.call = func(ctx context.Context, client *wrapper.Client) (any, error) {
			s.warming.Store(true)
			_, err := cold(ctx, client)
			s.warming.Store(false)
			if err != nil {
				return nil, fmt.Errorf("warming up: %w", err)
			}
			return cold(ctx, client)
		}
	}
	var before, after runtime.MemStats
	if fault.heavy {
		runtime.ReadMemStats(&before)
	}
	returned := make(chan outcome, 1)
	pprof.Do(context.Background(), pprof.Labels("cell", id), func(ctx context.Context) {
		go func() { returned <- c.call(ctx, base, opts...) }()
	})
	select {
	case o = <-returned:
	case <-time.After(8 * time.Second):
		s.ln.Close()
		s.drop()
		select {
		case o = <-returned:
		case <-time.After(5 * time.Second):
		}
		o.hung = true
	}
	if fault.heavy {
		runtime.ReadMemStats(&after)
		o.alloc = after.TotalAlloc - before.TotalAlloc
	}
	o.arrived = s.written.Load()
	o.open = s.quit(o.client)
	o.leaks = leftBehind(id)
	return o
}

// leftBehind waits for the goroutines of a cell to end and returns where the one is that does not. Goroutines have the
// labels of those that have started them.
func leftBehind(id string) string {
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		var all bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
		where := ""
		for block := range strings.SplitSeq(all.String(), "\n\n") {
			if _, stack, ok := strings.Cut(block, `"cell":"`+id+`"`); ok {
				where = strings.Join(strings.Fields(strings.ReplaceAll(stack, "#", "")), " ")
			}
		}
		if strings.Contains(where, "net.(*Resolver)") {
			return "" // a lookup goes on until its own time is up, a few seconds; nobody can stop it
		}
		if where == "" || time.Since(began) > 3*time.Second {
			return where
		}
	}
}
