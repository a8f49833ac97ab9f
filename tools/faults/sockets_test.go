package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// socketFault is one that needs a socket, because it is about connections and bytes.
type socketFault struct {
	row       string
	facts     facts
	answer    func(w *wire, req *http.Request, good string) (keep bool)
	name      func(answer dnsmessage.Message, good []byte) [][]byte // what is sent to a lookup
	bare      func(*wire)                                           // what happens to a connection before anything is read
	open      func(*wire)                                           // the same, behind the handshake
	cert      func() *tls.Config
	h2        func(h *http2Wire, id uint32, good string)
	transport func(*server) http.RoundTripper // instead of the client's own
	tls       bool
	plain     bool // whether the client speaks plain HTTP nevertheless
	protocols []string
	proxied   bool
	warm      bool // whether a connection is there already
	heavy     bool // whether it is about memory
	alone     bool // whether it makes no sense between polls
}

// ends of what a server says.
const (
	keeps  = "keeps the connection"
	closes = "closes it"
	resets = "resets it"
	holds  = "says no more"
	drips  = "drips"
)

// wires is a server that answers with these bytes, in which some words stand for the good answer or parts of it.
func wires(text, end string) func(*wire, *http.Request, string) bool {
	return func(w *wire, req *http.Request, good string) bool {
		n := len(good)
		text := strings.NewReplacer("$USUAL", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: $LEN\r\n\r\n$GOOD").Replace(text)
		text = strings.NewReplacer("$GOOD", good, "$HALF", good[:n/2], "$LEN", fmt.Sprint(n), "$MORE", fmt.Sprint(n+10), "$LESS", fmt.Sprint(n-10),
			"$HEX", fmt.Sprintf("%x", n), "$ECHO", signedWith(req)).Replace(text)
		if end == drips {
			w.drips(text)
			return false
		}
		_, _ = w.Write([]byte(text))
		switch end {
		case closes:
			w.closes()
		case resets:
			w.resets()
		case holds:
			w.holds()
		}
		return end == keeps
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func socketFaults() (all []socketFault) {
	all = append(all, nameFaults()...)
	all = append(all, connectFaults()...)
	all = append(all, tlsFaults()...)
	all = append(all, requestFaults()...)
	all = append(all, answerFaults()...)
	all = append(all, heavyFaults()...)
	all = append(all, reuseFaults()...)
	all = append(all, proxyFaults()...)
	return append(all, http2Faults()...)
}

func nameFaults() (all []socketFault) {
	for _, one := range []struct {
		name string
		hang bool
		say  func(dnsmessage.Message, []byte) [][]byte
	}{
		{"NXDOMAIN", false, refuses(dnsmessage.RCodeNameError)},
		{"SERVFAIL", false, refuses(dnsmessage.RCodeServerFailure)},
		{"REFUSED", false, refuses(dnsmessage.RCodeRefused)},
		{"no address", false, refuses(dnsmessage.RCodeSuccess)},
		{"black hole", true, func(dnsmessage.Message, []byte) [][]byte { return nil }},
		{"garbage", true, func(dnsmessage.Message, []byte) [][]byte { return [][]byte{{1, 2, 3}, bytes.Repeat([]byte{0xff}, 500)} }},
		{"the answer to another question", true, func(_ dnsmessage.Message, good []byte) [][]byte {
			good[0], good[1] = good[0]+1, good[1]+1
			return [][]byte{good}
		}},
		{"half an answer", true, func(_ dnsmessage.Message, good []byte) [][]byte { return [][]byte{good[:len(good)-3]} }},
	} {
		all = append(all, socketFault{row: "resolve: " + one.name, name: one.say, facts: facts{never: true, hang: one.hang, seen: -1},
			bare: func(w *wire) { w.closes() }})
	}
	return all
}

func refuses(code dnsmessage.RCode) func(dnsmessage.Message, []byte) [][]byte {
	return func(m dnsmessage.Message, _ []byte) [][]byte {
		m.RCode = code
		packed, _ := m.Pack()
		return [][]byte{packed}
	}
}

// dialing is a transport like the client's own, whose connections come from elsewhere once the fault is due.
func dialing(dial func(context.Context) (net.Conn, error)) func(*server) http.RoundTripper {
	return func(s *server) http.RoundTripper {
		t := http.DefaultTransport.(*http.Transport).Clone()
		usual := t.DialContext
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if s.due() {
				return dial(ctx)
			}
			return usual(ctx, network, address)
		}
		return t
	}
}

func connectFaults() []socketFault {
	never := facts{never: true, seen: -1}
	hole := never
	hole.hang = true
	return []socketFault{
		{row: "connect: refused", facts: never, bare: (*wire).closes, transport: dialing(func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1") // nobody listens there
		})},
		{row: "connect: black hole", facts: hole, bare: (*wire).closes, transport: dialing(func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
		})},
		{row: "connect: closed at once", facts: facts{seen: -1}, bare: func(w *wire) { w.Close() }},
		{row: "connect: never read from", facts: facts{hang: true, seen: -1}, bare: (*wire).holds},
	}
}

func tlsFaults() (all []socketFault) {
	add := func(name string, f facts, fault socketFault) {
		f.seen = -1
		fault.row, fault.facts, fault.tls = "TLS: "+name, f, true
		all = append(all, fault)
	}
	refused := facts{never: true, lasting: true}
	for _, one := range []struct {
		name string
		with *tls.Certificate
	}{
		{"the certificate of another host", &authority.other}, {"a certificate of no host", &authority.bare}, {"an expired certificate", &authority.expired},
		{"a certificate of tomorrow", &authority.early}, {"a self-signed certificate", &authority.selfSigned}, {"the certificate of an unknown authority", &authority.stranger},
	} {
		add(one.name, refused, socketFault{cert: func() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{*one.with}} }})
	}
	// Trying again does not help here either, but nothing that net/http says tells these from a server in trouble.
	add("no version in common", facts{never: true}, socketFault{cert: func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{authority.good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	}})
	add("no protocol in common", facts{never: true}, socketFault{cert: func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{authority.good}, NextProtos: []string{"h3"}}
	}})
	add("no certificate at all", facts{never: true}, socketFault{cert: func() *tls.Config {
		return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}
	}})
	add("a certificate is demanded, 1.2", facts{never: true}, socketFault{cert: func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{authority.good}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
	}})
	add("a certificate is demanded, 1.3", facts{}, socketFault{cert: func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{authority.good}, ClientAuth: tls.RequireAnyClientCert}
	}})
	hello := func(end func(*wire)) func(*wire) {
		return func(w *wire) {
			_, _ = w.r.Peek(5)
			end(w)
		}
	}
	say := func(text string, end func(*wire)) func(*wire) {
		return hello(func(w *wire) {
			_, _ = w.Write([]byte(text))
			end(w)
		})
	}
	add("plain HTTP on its port", refused, socketFault{bare: say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", (*wire).closes)})
	add("garbage", refused, socketFault{bare: say("garbage of some length", (*wire).closes)})
	add("SSH", refused, socketFault{bare: say("SSH-2.0-OpenSSH_9.7\r\n", (*wire).closes)})
	add("closed after the hello", facts{never: true}, socketFault{bare: hello((*wire).closes)})
	add("reset after the hello", facts{never: true}, socketFault{bare: hello((*wire).resets)})
	add("black hole after the hello", facts{never: true, hang: true}, socketFault{bare: hello((*wire).holds)})
	add("slow drip", facts{never: true, hang: true}, socketFault{bare: hello(func(w *wire) { w.drips("\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03") })})
	add("an alert", facts{never: true}, socketFault{bare: say("\x15\x03\x03\x00\x02\x02\x28", (*wire).closes)})
	add("endless handshake", facts{never: true}, socketFault{bare: hello(func(w *wire) { w.endless("\x16\x03\x03\x40\x00" + strings.Repeat("\x02\x00\x3f\xfc", 4096)) })})
	add("spoken on the plain port", facts{}, socketFault{plain: true, bare: say("\x15\x03\x01\x00\x02\x02\x46", (*wire).closes)})
	all[len(all)-1].tls = false
	// By the time that it ends, the request has been read.
	for name, text := range map[string]string{"plain HTTP": "HTTP/1.1 502 Bad Gateway\r\n\r\n", "garbage": "\x00garbage of some length"} {
		all = append(all, socketFault{row: "waiting: " + name + " in the middle of TLS", facts: facts{lasting: true}, tls: true,
			answer: func(w *wire, _ *http.Request, _ string) bool {
				_, _ = w.Conn.(*tls.Conn).NetConn().Write([]byte(text))
				w.closes()
				return false
			}})
	}
	return all
}

// requestFaults are connections that end while the request is on its way.
func requestFaults() (all []socketFault) {
	for _, end := range []struct {
		name string
		do   func(*wire)
		hang bool
	}{{"closed", func(w *wire) { w.Close() }, false}, {"closed in one direction", (*wire).closes, false}, {"reset", (*wire).resets, false}, {"black hole", func(w *wire) {
		hole := make([]byte, 1)
		for { // without reading
			_ = w.SetReadDeadline(time.Now().Add(time.Hour))
			if _, err := w.Read(hole); err != nil {
				return
			}
		}
	}, true}} {
		f := facts{seen: -1, hang: end.hang}
		all = append(all,
			socketFault{row: "request headers: " + end.name + " after a byte", facts: f, open: func(w *wire) { _, _ = w.r.ReadByte(); end.do(w) }},
			socketFault{row: "request headers: " + end.name + " after the first line", facts: f, open: func(w *wire) { _, _ = w.r.ReadString('\n'); end.do(w) }},
			socketFault{row: "request body: " + end.name + " before it is read", facts: f, open: func(w *wire) { _, _ = http.ReadRequest(w.r); end.do(w) }},
			socketFault{row: "request body: " + end.name + " in the middle", facts: f, open: func(w *wire) {
				if req, err := http.ReadRequest(w.r); err == nil {
					_, _ = req.Body.Read(make([]byte, 10))
				}
				end.do(w)
			}})
	}
	early := func(status int, text string) func(*wire) {
		return func(w *wire) {
			_, _ = w.r.ReadString('\n')
			_, _ = fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status, text)
			w.closes()
		}
	}
	all = append(all,
		socketFault{row: "request body: 413 before it is read", facts: facts{status: 413, seen: -1}, open: early(413, "Content Too Large")},
		socketFault{row: "request body: 401 before it is read", facts: facts{status: 401, seen: -1}, open: early(401, "Unauthorized")},
		socketFault{row: "request body: 503 before it is read", facts: facts{status: 503, seen: -1}, open: early(503, "Unavailable")})
	return all
}

func answerFaults() (all []socketFault) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	fine := facts{status: 200, fits: everyone}
	lost, cut, page := facts{}, facts{status: 200, cut: true}, facts{status: 200}
	hang := func(f facts) facts { f.hang = true; return f }
	for _, one := range []struct {
		row, text, end string
		facts          facts
	}{
		{"waiting: closed", "", closes, lost},
		{"waiting: reset", "", resets, lost},
		{"waiting: black hole", "", holds, hang(lost)},
		{"waiting: 3,000 times 100", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 3000) + "$USUAL", keeps, fine},
		{"waiting: 3,000 times 103", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 3000) + "$USUAL", keeps, fine},
		{"waiting: 102, and no more", "HTTP/1.1 102 Processing\r\n\r\n", holds, hang(lost)},
		{"waiting: 100, and closed", "HTTP/1.1 100 Continue\r\n\r\n", closes, lost},
		{"waiting: 101, and the usual answer", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n$USUAL", closes, facts{status: 101}},
		{"waiting: 101, and no more", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", holds, hang(facts{status: 101})},
		{"waiting: 101, and a slow drip", "HTTP/1.1 101 Switching Protocols\r\n\r\n", drips, hang(facts{status: 101})},
		{"response headers: slow drip", head + "X: x", drips, hang(lost)},
		{"response headers: cut in the status line", "HTTP/1.1 20", closes, lost},
		{"response headers: cut", "HTTP/1.1 200 OK\r\nContent-Len", closes, lost},
		{"response headers: reset in the middle", "HTTP/1.1 200 OK\r\nContent-Len", resets, lost},
		{"response headers: black hole in the middle", "HTTP/1.1 200 OK\r\nContent-Len", holds, hang(lost)},
		{"response headers: garbage", "garbage\r\n\r\n", closes, lost},
		{"response headers: bytes at random", "\x00\x01\x80\xff\n\n\x07", closes, lost},
		{"response headers: no status line", "$GOOD", closes, lost},
		{"response headers: SMTP", "220 mail.test ESMTP\r\n", closes, lost},
		{"response headers: the credential in the status line", "$ECHO\r\n\r\n", closes, lost},
		{"response headers: the credential as the status", "HTTP/1.1 $ECHO\r\n\r\n", closes, lost},
		{"response headers: the credential as a header", "HTTP/1.1 200 OK\r\n$ECHO\r\n\r\n", closes, lost},
		{"response headers: the credential as the length", "HTTP/1.1 200 OK\r\nContent-Length: $ECHO\r\n\r\n", closes, lost},
		{"response headers: the credential as the encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: $ECHO\r\n\r\n", closes, lost},
		{"response headers: the credential as the reason", "HTTP/1.1 403 $ECHO\r\nContent-Length: 0\r\n\r\n", closes, facts{status: 403}},
		{"response headers: status 20", "HTTP/1.1 20 OK\r\n\r\n", closes, lost},
		{"response headers: status 2000", "HTTP/1.1 2000 OK\r\n\r\n", closes, lost},
		{"response headers: status -20", "HTTP/1.1 -20 OK\r\n\r\n", closes, lost},
		{"response headers: status abc", "HTTP/1.1 abc OK\r\n\r\n", closes, lost},
		{"response headers: HTTP/9", "HTTP/9 200 OK\r\n\r\n", closes, lost},
		{"response headers: two lengths", head + "Content-Length: 5\r\nContent-Length: 7\r\n\r\n$GOOD", closes, lost},
		{"response headers: length -1", head + "Content-Length: -1\r\n\r\n$GOOD", closes, lost},
		{"response headers: length beyond 64 bits", head + "Content-Length: 99999999999999999999\r\n\r\n$GOOD", closes, lost},
		{"response headers: a header without a colon", head + "garbage\r\n\r\n$GOOD", closes, lost},
		{"response headers: a header with a space", head + "A B: x\r\n\r\n$GOOD", closes, fine},
		{"response headers: a NUL byte", head + "A: x\x00y\r\n\r\n$GOOD", closes, lost},
		{"response headers: an unknown encoding", head + "Transfer-Encoding: zstd\r\n\r\n$GOOD", closes, lost},
		{"response headers: bare line feeds", "HTTP/1.1 200 OK\nContent-Length: $LEN\n\n$GOOD", keeps, fine},
		{"response headers: HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n$GOOD", closes, fine},
		{"response headers: folded", head + "X: a\r\n b\r\nContent-Length: $LEN\r\n\r\n$GOOD", keeps, fine},
		{"response headers: a length beside chunks", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n$HEX\r\n$GOOD\r\n0\r\n\r\n", keeps, fine},
		{"response headers: 100 KiB in one", head + "X: " + strings.Repeat("x", 100<<10) + "\r\nContent-Length: $LEN\r\n\r\n$GOOD", keeps, fine},
		{"response headers: 1 MiB in one", head + "X: " + strings.Repeat("x", 1<<20) + "\r\nContent-Length: $LEN\r\n\r\n$GOOD", closes, lost},
		{"response headers: 1 MiB in many", head + strings.Repeat("X: yyyyy\r\n", 100<<10) + "Content-Length: $LEN\r\n\r\n$GOOD", closes, lost},
		{"response body: a length too long, closed", head + "Content-Length: $MORE\r\n\r\n$GOOD", closes, cut},
		{"response body: a length too long, reset", head + "Content-Length: $MORE\r\n\r\n$GOOD", resets, facts{status: 200, cut: true, free: true}},
		{"response body: a length too long, black hole", head + "Content-Length: $MORE\r\n\r\n$GOOD", holds, hang(cut)},
		{"response body: a length too short", head + "Content-Length: $LESS\r\n\r\n$GOOD", closes, page},
		{"response body: length 0 beside an answer", head + "Content-Length: 0\r\n\r\n$GOOD", closes, facts{status: 200, empty: true}},
		{"response body: 204 with an answer", "HTTP/1.1 204 No Content\r\nContent-Length: $LEN\r\n\r\n$GOOD", closes, facts{status: 204, empty: true}},
		{"response body: until the connection closes", head + "\r\n$GOOD", closes, fine},
		{"response body: until the connection closes, cut", head + "\r\n$HALF", closes, page},
		{"response body: slow drip", head + "Content-Length: 100000\r\n\r\n ", drips, hang(cut)},
		{"response body: slow drip at the end", "$USUAL ", drips, fine},
		{"response body: trailing garbage", "$USUALgarbage\r\n", closes, fine},
		{"response body: two answers at once", "$USUAL$USUAL", closes, fine},
		{"response body: an answer and a 403", "$USUALHTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", keeps, fine},
		{"response body: chunks", head + "Transfer-Encoding: chunked\r\n\r\n$HEX\r\n$GOOD\r\n0\r\n\r\n", keeps, fine},
		{"response body: chunks, no end", head + "Transfer-Encoding: chunked\r\n\r\n$HEX\r\n$GOOD\r\n", closes, cut},
		{"response body: chunks, black hole", head + "Transfer-Encoding: chunked\r\n\r\n$HEX\r\n$GOOD\r\n", holds, hang(cut)},
		{"response body: chunks of size zz", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n$GOOD\r\n0\r\n\r\n", closes, cut},
		{"response body: chunks of size -5", head + "Transfer-Encoding: chunked\r\n\r\n-5\r\n$GOOD\r\n0\r\n\r\n", closes, cut},
		{"response body: chunks of size 2^68", head + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n$GOOD\r\n0\r\n\r\n", closes, cut},
		{"response body: chunks without a line break", head + "Transfer-Encoding: chunked\r\n\r\n$HEX\r\n$GOOD0\r\n\r\n", closes, cut},
		{"response body: chunks of the credential", head + "Transfer-Encoding: chunked\r\n\r\n$ECHO\r\n$GOOD0\r\n\r\n", closes, cut},
		{"response body: chunks with 100 KiB of trailers", head + "Transfer-Encoding: chunked\r\n\r\n$HEX\r\n$GOOD\r\n0\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", closes, cut},
		{"response body: gzip", head + "Content-Encoding: gzip\r\n\r\n" + "$GZIP", closes, fine},
		{"response body: gzip, cut", head + "Content-Encoding: gzip\r\n\r\n" + gzipped(needed)[:30], closes, cut},
		{"response body: gzip that is none", head + "Content-Encoding: gzip\r\nContent-Length: $LEN\r\n\r\n$GOOD", closes, cut},
		{"response body: gzip and garbage", head + "Content-Encoding: gzip\r\n\r\n" + gzipped(needed) + "garbage", closes, cut},
		{"response body: gzip in gzip", head + "Content-Encoding: gzip\r\n\r\n" + gzipped(gzipped(needed)), closes, page},
		{"response body: brotli", head + "Content-Encoding: br\r\nContent-Length: 5\r\n\r\n\x0b\x02\x80\x7b\x03", keeps, page},
		{"response body: 403, a length too long", "HTTP/1.1 403 Forbidden\r\nContent-Length: 10000\r\n\r\n$GOOD", closes, facts{status: 403}},
		{"response body: 403, black hole", "HTTP/1.1 403 Forbidden\r\nContent-Length: 10000\r\n\r\n", holds, hang(facts{status: 403})},
		{"response body: 503, slow drip", "HTTP/1.1 503 Unavailable\r\nContent-Length: 10000\r\n\r\n ", drips, hang(facts{status: 503})},
		{"response body: 503, slow drip and Retry-After 120", "HTTP/1.1 503 Unavailable\r\nRetry-After: 120\r\nContent-Length: 10000\r\n\r\n ", drips, hang(facts{status: 503, wait: 2 * time.Minute})},
		{"response body: 500, chunks of size zz", "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", closes, facts{status: 500}},
		{"response body: 404, gzip that is none", "HTTP/1.1 404 No\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain", keeps, facts{status: 404}},
	} {
		answer := wires(one.text, one.end)
		if strings.Contains(one.text, "$GZIP") {
			answer = func(w *wire, req *http.Request, good string) bool {
				return wires(strings.ReplaceAll(one.text, "$GZIP", gzipped(good)), one.end)(w, req, good)
			}
		}
		all = append(all, socketFault{row: one.row + " (socket)", facts: one.facts, answer: answer})
	}
	return all
}

// heavyFaults are answers without an end, or so large that a client that takes them whole runs out of memory.
func heavyFaults() (all []socketFault) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	add := func(row string, f facts, first, again string) {
		all = append(all, socketFault{row: row, facts: f, heavy: true, answer: func(w *wire, _ *http.Request, _ string) bool {
			_, _ = w.Write([]byte(first))
			w.endless(again)
			return false
		}})
	}
	large := facts{status: 200}
	add("response body: endless", large, head+"\r\n", "x")
	add("response body: endless white space", large, head+"\r\n", " ")
	add("response body: endless chunks", large, head+"Transfer-Encoding: chunked\r\n\r\n", "5\r\nxxxxx\r\n")
	add("response body: endless with a length", large, head+"Content-Length: 9223372036854775807\r\n\r\n", "[")
	add("response body: 500, endless", facts{status: 500}, "HTTP/1.1 500 Oh\r\n\r\n", `{"error":`)
	add("response body: 403, endless", facts{status: 403}, "HTTP/1.1 403 No\r\n\r\n", "<p>")
	add("response body: endless chunk extension", facts{status: 200, cut: true}, head+"Transfer-Encoding: chunked\r\n\r\n5;", "x")
	add("response body: endless chunk extensions", facts{status: 200, cut: true}, head+"Transfer-Encoding: chunked\r\n\r\n", "1;"+strings.Repeat("x", 2000)+"\r\n \r\n")
	add("response body: endless trailers", facts{status: 200, cut: true}, head+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n")
	add("response headers: endless", facts{}, head, "X: y\r\n")
	add("response headers: endless, all different", facts{}, head+"A", "bcdefgh: y\r\nA")
	add("response headers: one without an end", facts{}, head+"X: ", "x")
	add("response headers: a status line without an end", facts{}, "HTTP/1.1 200 ", "x")
	add("response headers: endless folding", facts{}, head+"X: ", "\r\n y")
	add("waiting: 100 without an end", facts{}, "", "HTTP/1.1 100 Continue\r\n\r\n")
	add("waiting: 103 without an end", facts{}, "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
	add("waiting: 101 and bytes without an end", facts{status: 101}, "HTTP/1.1 101 Switching Protocols\r\n\r\n", "x")
	mebibyte := gzipped(strings.Repeat("\x00", 1<<20)) // a stream may be followed by another
	bomb := strings.Repeat(mebibyte, 1024)
	for _, status := range []int{200, 502} {
		all = append(all, socketFault{row: fmt.Sprintf("response body: %d, 1 GiB in %d KiB of gzip", status, len(bomb)>>10), facts: facts{status: status}, heavy: true,
			answer: wires(fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", status, len(bomb))+bomb, keeps)})
	}
	return all
}

// reuseFaults come on a connection that has served a request before.
func reuseFaults() []socketFault {
	// A GET is sent again by net/http itself, unseen, so that one attempt is seen twice.
	recovers := facts{then: &facts{status: 200, fits: everyone}, get: &facts{status: 200, fits: everyone, then: &facts{}, seen: 2}}
	return []socketFault{
		{row: "reuse: closed once the request is read", facts: recovers, warm: true, alone: true, answer: wires("", closes)},
		{row: "reuse: reset once the request is read", facts: recovers, warm: true, alone: true, answer: wires("", resets)},
		{row: "reuse: half an answer", facts: facts{status: 200, cut: true, then: &facts{status: 200, fits: everyone}}, warm: true, alone: true,
			answer: wires("HTTP/1.1 200 OK\r\nContent-Length: $LEN\r\n\r\n$HALF", closes)},
		{row: "reuse: black hole", facts: facts{hang: true}, warm: true, alone: true, answer: wires("", holds)},
		{row: "reuse: garbage", facts: facts{then: &facts{status: 200, fits: everyone}}, warm: true, alone: true, answer: wires("garbage\r\n\r\n", closes)},
	}
}

// proxyFaults come from a proxy on the way, to which the client says CONNECT.
func proxyFaults() (all []socketFault) {
	for _, one := range []struct {
		name, text, end string
		hang            bool
	}{
		{"407", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", closes, false},
		{"502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", closes, false},
		{"a reason of two lines", "HTTP/1.1 403 No\r   at STACKTRACE(\r\nContent-Length: 0\r\n\r\n", closes, false},
		{"garbage", "garbage\r\n\r\n", closes, false},
		{"closed", "", closes, false},
		{"reset", "", resets, false},
		{"black hole", "", holds, true},
	} {
		all = append(all, socketFault{row: "proxy: " + one.name, facts: facts{never: true, hang: one.hang, seen: -1}, proxied: true, alone: true,
			open: func(w *wire) {
				req, err := http.ReadRequest(w.r)
				if err == nil {
					wires(one.text, one.end)(w, req, nothing)
				}
			},
			transport: func(s *server) http.RoundTripper {
				return &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: s.ln.Addr().String()})}
			}})
	}
	return all
}
