package verdict

import "github.com/pxeproof/pxeproof/captures"

// httpFacts are what a machine asked for over HTTP.
type httpFacts struct {
	asked  seen
	faults []httpFault
	got    map[string]bool
	body   httpBody // the latest
}

// An httpBody is what a GET is answered with.
type httpBody struct {
	seen
	index int64 // of its Transfer
	uri   string
	done  bool
}

// An httpFault is a response with a status that is no success.
type httpFault struct {
	seen
	code int64
	uri  string
}

func (f *facts) seeHTTP(e *captures.Event) {
	h := &f.http
	uri := e.Text("http.request.uri")
	switch e.Kind {
	case captures.HTTPRequest:
		h.asked.mark(e)
	case captures.HTTPDone:
		if h.got == nil {
			h.got = map[string]bool{}
		}
		if len(h.got) < maxFetches {
			h.got[uri] = true
		}
		if e.Int("http.transfer") == h.body.index {
			h.body.done = true
		}
	case captures.HTTPResponse:
		code := e.Int("http.response.code")
		if index := e.Int("http.transfer"); index >= 0 {
			h.body = httpBody{index: index, uri: uri}
			h.body.mark(e)
		}
		if code < 400 || len(h.faults) >= maxLines {
			return
		}
		fault := httpFault{code: code, uri: uri}
		fault.mark(e)
		h.faults = append(h.faults, fault)
		f.mayProve()
	}
}
