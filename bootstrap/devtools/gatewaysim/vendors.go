package gatewaysim

import (
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// serveVendor answers a call by the contract of a vendor.
func (s *Server) serveVendor(ctx *fasthttp.RequestCtx) {
	path := ctx.Path()
	if account, ok := twilioAccount(path); ok {
		s.serveTwilio(ctx, account)
	} else if found := nhnPath.FindSubmatch(path); found != nil {
		s.serveNHN(ctx, string(found[1]), string(found[2]))
	} else if found := nhnAlimTalkPath.FindSubmatch(path); found != nil {
		s.serveNHNAlimTalk(ctx, string(found[1]), string(found[2]))
	} else if strings.HasPrefix(string(path), "/messages/v4/") {
		s.serveSOLAPI(ctx)
	} else if found := fcmPath.FindSubmatch(path); found != nil {
		s.serveFCM(ctx, string(found[1]))
	} else if string(path) == googleToken {
		serveGoogleToken(ctx)
	} else if strings.HasPrefix(string(path), sesRoot) {
		s.serveSES(ctx)
	} else if action, ok := awsSMSAction(ctx); ok {
		s.serveAWSSMS(ctx, action)
	} else {
		writeError(ctx, fasthttp.StatusNotFound, "not_found", "this gateway has POST "+strings.Join(slices.Sorted(maps.Keys(s.paths)), ", POST ")+", and the paths of vendors")
	}
}

// isNoAnswer writes what no vendor says in words of its own, if the answer is that: one for everybody, and none at all.
func isNoAnswer(ctx *fasthttp.RequestCtx, channel behaviour.Channel, a answer) bool {
	if a.outcome == behaviour.AcceptedThenDropped {
		ctx.HijackSetNoResponse(true)
		ctx.Hijack(func(net.Conn) {}) // fasthttp closes it then
		return true
	}
	if a.everybody.Code != 0 {
		writeAnswer(ctx, channel, a)
		return true
	}
	return false
}
