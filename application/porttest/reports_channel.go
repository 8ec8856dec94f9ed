package porttest

import (
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

// reportsNoChannel stores reports about keys that were revoked, and that a restore left UNKNOWN: nothing says by which channel they went.
func reportsNoChannel(s *stage) {
	keys := s.rendered(november, 3)
	s.requested(keys...)
	s.bring(delivery(keys[0], 0, 0), attempt.Revoked)
	s.bring(delivery(keys[2], 0, 0), attempt.Succeeded)
	lost := recovery(delivery(keys[1], 0, 0), attempt.Unknown)
	lost.Facts = attempt.Facts{}
	keysAre(s, "written", s.recover(lost), lost.Key)

	stored := s.report(said(delivery(keys[0], 0, 0)), said(lost.Key, func(r *report.Report) {
		r.Kind, r.Class, r.Definitive = report.Complained, "", false
	}), said(delivery(keys[2], 0, 0)))
	if len(stored.Known) != 3 || stored.Known[0].Channel != "" || stored.Known[1].Channel != "" || stored.Suppressed != 1 {
		s.Errorf("stored: %+v", stored)
	}
	for _, k := range keys {
		if about := s.about(k); len(about) != 1 {
			s.Errorf("kept about %s: %+v", k, about)
		}
	}
	if entries := s.entries(keys...); len(entries) != 1 || entries[0].UserID != keys[2].UserID {
		s.Errorf("on the list: %+v", entries)
	}
}
