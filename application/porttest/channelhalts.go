package porttest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// ChannelHalts runs the suite of port.ChannelHalts.
func ChannelHalts(t *testing.T, open OpenStorage) { Run(t, ChannelHaltsChecks(), open) }

// ChannelHaltsChecks are the promises of port.ChannelHalts.
func ChannelHaltsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("halts and lifts each channel by itself, and tells who did it, why and since when, and no later one", channelHaltAndLift),
		onStage("keeps the share of a halt that is lifted until the next one", channelHaltShare),
		onStage("refuses what is no channel and no share", channelHaltInvalid),
	}
}

// expectChannels compares all switches.
func (s *stage) expectChannels(want ...port.ChannelHalt) {
	s.Helper()
	got := given(s.ChannelHalts.All(s.ctx))(s)
	for i := range got {
		got[i].Since = normal(got[i].Since)
	}
	if !slices.Equal(got, want) {
		s.Errorf("the channels are %+v, want %+v", got, want)
	}
}

// switched is a switch as an act leaves it, with the act.
func switched(kind channel.Kind, on bool, share int, actor string, at time.Time) (port.ChannelHalt, port.Act) {
	h := port.ChannelHalt{Channel: kind, Halt: port.Halt{On: on, Actor: actor, Reason: "거부 — refused", Since: normal(at)}, Share: share}
	return h, port.Act{Actor: h.Actor, Reason: h.Reason, At: h.Since}
}

func channelHaltAndLift(s *stage) {
	s.expectChannels()
	sms, bySMS := switched(channel.SMS, true, port.HaltShare, "balsong/delivery", noon)
	s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, true, 0, bySMS))
	_, later := switched(channel.SMS, true, 0, "lee", noon.Add(1e9))
	s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, true, 0, later))
	s.must(s.ChannelHalts.Set(s.ctx, channel.Push, false, 0, later)) // it was never halted
	s.expectChannels(sms)
	email, byEmail := switched(channel.Email, true, port.HaltShare, "kim", noon.Add(2e9))
	s.must(s.ChannelHalts.Set(s.ctx, channel.Email, true, 0, byEmail))
	s.expectChannels(email, sms)
	sms, bySMS = switched(channel.SMS, false, port.HaltShare, "kim", noon.Add(3e9))
	s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, false, 0, bySMS))
	s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, false, 50, later))
	s.expectChannels(email, sms)
	if got := port.HaltedChannels(given(s.ChannelHalts.All(s.ctx))(s)); got != channel.NewSet(channel.Email) {
		s.Errorf("halted are %v", got.Kinds())
	}
	if given(s.Control.Halted(s.ctx))(s).On {
		s.Error("everything is halted with a channel")
	}
}

func channelHaltShare(s *stage) {
	for i, share := range []int{40, 0, 100} {
		_, by := switched(channel.SMS, true, 0, "balsong/delivery", noon.Add(time.Duration(2*i)*time.Second))
		s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, true, 0, by))
		if got := given(s.ChannelHalts.All(s.ctx))(s)[0].Share; got != port.HaltShare {
			s.Errorf("the share of a new halt is %d", got)
		}
		want := share
		if want == 0 {
			want = port.HaltShare
		}
		lifted, by := switched(channel.SMS, false, want, "kim", noon.Add(time.Duration(2*i+1)*time.Second))
		s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, false, share, by))
		s.expectChannels(lifted)
	}
}

func channelHaltInvalid(s *stage) {
	for name, err := range map[string]error{
		"no channel":      s.ChannelHalts.Set(s.ctx, "FAX", true, 0, act),
		"a share of −1%":  s.ChannelHalts.Set(s.ctx, channel.SMS, false, -1, act),
		"a share of 101%": s.ChannelHalts.Set(s.ctx, channel.SMS, false, 101, act),
	} {
		if !errors.Is(err, port.ErrInvalid) {
			s.Errorf("%s: %v", name, err)
		}
	}
	s.expectChannels()
}
