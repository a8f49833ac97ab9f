package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Wire is a connection on which frames are written by hand.
type http2Wire struct {
	*http2.Framer
	wire    *wire
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func serveHTTP2(w *wire) {
	h := &http2Wire{Framer: http2.NewFramer(w, w.r), wire: w}
	h.encoder = hpack.NewEncoder(&h.block)
	h.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.ReadFull(w.r, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	_ = h.WriteSettings()
	requests := map[uint32]*http.Request{}
	for {
		frame, err := h.ReadFrame()
		if err != nil {
			return
		}
		id, ended := frame.Header().StreamID, frame.Header().Flags.Has(http2.FlagDataEndStream) // of headers and of data alike
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = h.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = h.WritePing(true, f.Data)
			}
		case *http2.MetaHeadersFrame:
			req := &http.Request{Method: f.PseudoValue("method"), Header: http.Header{}, URL: &url.URL{Path: f.PseudoValue("path")}}
			for _, field := range f.RegularFields() {
				req.Header.Add(field.Name, field.Value)
			}
			requests[id] = req
		case *http2.DataFrame:
		default:
			continue
		}
		if req := requests[id]; req != nil && ended {
			delete(requests, id)
			if good, due := w.s.next(req); due {
				w.s.fault.h2(h, id, good)
			} else {
				h.usual(id, good)
			}
		}
	}
}

// fields is a block of headers, given as name, value, name, value.
func (h *http2Wire) fields(pairs ...string) []byte {
	h.block.Reset()
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = h.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return bytes.Clone(h.block.Bytes())
}

func (h *http2Wire) headers(id uint32, end bool, pairs ...string) {
	_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.fields(pairs...), EndHeaders: true, EndStream: end})
}

func (h *http2Wire) usual(id uint32, good string) {
	h.headers(id, false, ":status", "200", "content-type", "application/json")
	_ = h.WriteData(id, true, []byte(good))
}

func http2Faults() (all []socketFault) {
	fine := facts{status: 200, fits: everyone}
	lost, cut, tried := facts{}, facts{status: 200, cut: true}, facts{hang: true, seen: -2}
	again := facts{then: &facts{}, status: 200, fits: everyone, seen: 2} // net/http sends it again by itself, since it was not taken
	hang := func(f facts) facts { f.hang = true; return f }
	end := func(h *http2Wire) { h.wire.closes() }
	resets := func(code http2.ErrCode) func(*http2Wire, uint32, string) {
		return func(h *http2Wire, id uint32, _ string) { _ = h.WriteRSTStream(id, code) }
	}
	add := func(row string, f facts, do func(h *http2Wire, id uint32, good string)) {
		// All but GETs go out over HTTP/1.1, since net/http would send them again by itself, and find no fault there.
		all = append(all, socketFault{row: "HTTP/2, " + row, facts: facts{status: 200, fits: everyone, get: &f}, h2: do, alone: f.seen != 0,
			tls: true, protocols: []string{"h2", "http/1.1"}})
	}
	add("waiting: closed", lost, func(h *http2Wire, _ uint32, _ string) { end(h) })
	add("waiting: black hole", hang(lost), func(*http2Wire, uint32, string) {})
	add("waiting: GOAWAY before it was taken, once", again, func(h *http2Wire, _ uint32, _ string) { _ = h.WriteGoAway(0, http2.ErrCodeNo, nil); end(h) })
	add("waiting: GOAWAY before it was taken, always", tried, func(h *http2Wire, _ uint32, _ string) { _ = h.WriteGoAway(0, http2.ErrCodeNo, nil); end(h) })
	add("waiting: GOAWAY after it was taken", lost, func(h *http2Wire, id uint32, _ string) { _ = h.WriteGoAway(id, http2.ErrCodeNo, nil); end(h) })
	add("waiting: GOAWAY with an error", lost, func(h *http2Wire, id uint32, _ string) {
		_ = h.WriteGoAway(id, http2.ErrCodeInternal, []byte("   at STACKTRACE("))
		end(h)
	})
	add("waiting: GOAWAY, and the answer", fine, func(h *http2Wire, id uint32, good string) {
		_ = h.WriteGoAway(id, http2.ErrCodeNo, nil)
		h.usual(id, good)
	})
	add("waiting: RST_STREAM REFUSED_STREAM, once", again, resets(http2.ErrCodeRefusedStream))
	add("waiting: RST_STREAM REFUSED_STREAM, always", tried, resets(http2.ErrCodeRefusedStream))
	for _, code := range []http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeInternal, http2.ErrCodeCancel, http2.ErrCodeEnhanceYourCalm, http2.ErrCodeHTTP11Required} {
		add("waiting: RST_STREAM "+code.String(), lost, resets(code))
	}
	add("waiting: RST_STREAM PROTOCOL_ERROR, always", tried, resets(http2.ErrCodeProtocol))
	add("waiting: RST_STREAM PROTOCOL_ERROR, and gone", facts{seen: -2}, func(h *http2Wire, id uint32, _ string) {
		h.wire.s.ln.Close() // so that the last that is heard is that nobody listens
		_ = h.WriteRSTStream(id, http2.ErrCodeProtocol)
	})
	add("waiting: 2,000 times 103", fine, func(h *http2Wire, id uint32, good string) {
		for range 2000 {
			h.headers(id, false, ":status", "103", "link", "</x>")
		}
		h.usual(id, good)
	})
	add("waiting: 10,000 pings", fine, func(h *http2Wire, id uint32, good string) {
		for range 10_000 {
			_ = h.WritePing(true, [8]byte{1})
		}
		h.usual(id, good)
	})
	add("waiting: 1,000 settings", fine, func(h *http2Wire, id uint32, good string) {
		for range 1000 {
			_ = h.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
		}
		h.usual(id, good)
	})
	add("waiting: an unknown frame", fine, func(h *http2Wire, id uint32, good string) {
		_ = h.WriteRawFrame(0x77, 0, id, []byte("x"))
		h.usual(id, good)
	})
	add("waiting: a push", lost, func(h *http2Wire, id uint32, _ string) {
		_ = h.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: 2, BlockFragment: h.fields(":method", "GET", ":path", "/", ":scheme", "https", ":authority", "x"), EndHeaders: true})
	})
	add("waiting: a frame that is too large", lost, func(h *http2Wire, id uint32, _ string) {
		_ = h.WriteRawFrame(http2.FrameHeaders, 4, id, make([]byte, 1<<20))
	})
	add("waiting: HTTP/1.1", lost, func(h *http2Wire, _ uint32, _ string) {
		_, _ = h.wire.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
	})
	add("waiting: garbage", lost, func(h *http2Wire, _ uint32, _ string) { _, _ = h.wire.Write(bytes.Repeat([]byte{0xff}, 100)) })
	add("waiting: a window that overflows", lost, func(h *http2Wire, _ uint32, _ string) {
		for range 2 {
			var frame [13]byte // by hand, as the framer knows better
			frame[2], frame[3] = 4, byte(http2.FrameWindowUpdate)
			binary.BigEndian.PutUint32(frame[9:], 1<<31-1)
			_, _ = h.wire.Write(frame[:])
		}
	})
	for _, status := range []string{"", "abc", "20 0"} {
		add(fmt.Sprintf("response headers: status %q", status), lost, func(h *http2Wire, id uint32, _ string) { h.headers(id, true, ":status", status) })
	}
	for _, status := range []int{99, 10000} { // net/http takes any number
		add(fmt.Sprintf("response headers: status %d", status), facts{status: status}, func(h *http2Wire, id uint32, _ string) { h.headers(id, true, ":status", fmt.Sprint(status)) })
	}
	add("response headers: no status", lost, func(h *http2Wire, id uint32, _ string) { h.headers(id, true, "content-type", "text/html") })
	add("response headers: a name in capitals", lost, func(h *http2Wire, id uint32, _ string) { h.headers(id, true, ":status", "200", "X-Bad", "x") })
	add("response headers: a broken block", lost, func(h *http2Wire, id uint32, _ string) {
		_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, EndHeaders: true, EndStream: true})
	})
	add("response headers: 1 MiB", lost, func(h *http2Wire, id uint32, _ string) {
		block := h.fields(":status", "200", "x", strings.Repeat("\x00", 1<<20))
		_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:16<<10]})
		for block = block[16<<10:]; len(block) > 16<<10; block = block[16<<10:] {
			_ = h.WriteContinuation(id, false, block[:16<<10])
		}
		_ = h.WriteContinuation(id, true, block)
	})
	unread := hang(lost)
	unread.seen = -2 // what comes after an open block of headers may be read, or not
	add("response headers: black hole in the middle", unread, func(h *http2Wire, id uint32, _ string) {
		_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.fields(":status", "200")})
	})
	add("response body: before the headers", lost, func(h *http2Wire, id uint32, good string) { _ = h.WriteData(id, true, []byte(good)) })
	add("response body: RST_STREAM in the middle", cut, func(h *http2Wire, id uint32, good string) {
		h.headers(id, false, ":status", "200")
		_ = h.WriteData(id, false, []byte(good[:10]))
		_ = h.WriteRSTStream(id, http2.ErrCodeInternal)
	})
	add("response body: closed in the middle", cut, func(h *http2Wire, id uint32, good string) {
		h.headers(id, false, ":status", "200")
		_ = h.WriteData(id, false, []byte(good[:10]))
		end(h)
	})
	add("response body: black hole in the middle", hang(cut), func(h *http2Wire, id uint32, good string) {
		h.headers(id, false, ":status", "200")
		_ = h.WriteData(id, false, []byte(good[:10]))
	})
	add("response body: a length too long", cut, func(h *http2Wire, id uint32, good string) {
		h.headers(id, false, ":status", "200", "content-length", fmt.Sprint(len(good)+10))
		_ = h.WriteData(id, true, []byte(good))
	})
	add("response body: a length too short", cut, func(h *http2Wire, id uint32, good string) {
		h.headers(id, false, ":status", "200", "content-length", fmt.Sprint(len(good)-10))
		_ = h.WriteData(id, true, []byte(good))
	})
	add("response body: 403 and RST_STREAM", facts{status: 403}, func(h *http2Wire, id uint32, _ string) {
		h.headers(id, false, ":status", "403")
		_ = h.WriteRSTStream(id, http2.ErrCodeInternal)
	})
	add("response body: and trailers", fine, func(h *http2Wire, id uint32, good string) {
		h.headers(id, false, ":status", "200")
		_ = h.WriteData(id, false, []byte(good))
		h.headers(id, true, "x-trailer", "x")
	})
	add("response body: and RST_STREAM", fine, func(h *http2Wire, id uint32, good string) {
		h.usual(id, good)
		_ = h.WriteRSTStream(id, http2.ErrCodeNo)
	})
	add("response body: endless", facts{status: 200}, func(h *http2Wire, id uint32, _ string) {
		h.headers(id, false, ":status", "200")
		for h.WriteData(id, false, make([]byte, 16<<10)) == nil { // beyond the window
		}
	})
	add("response headers: endless", lost, func(h *http2Wire, id uint32, _ string) {
		_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.fields(":status", "200")})
		for block := h.fields("x", strings.Repeat("y", 8<<10)); h.WriteContinuation(id, false, block) == nil; {
			continue
		}
	})
	for i := len(all) - 2; i < len(all); i++ {
		all[i].heavy = true
	}
	return all
}
