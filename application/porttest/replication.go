package porttest

import "github.com/balsong/balsong/application/port"

// ReplicationChecks are the promises of port.Replication that hold without a standby.
func ReplicationChecks() []Check[Storage] {
	return []Check[Storage]{onStage("shows no standby where there is none", replicationNone)}
}

func replicationNone(s *stage) {
	if standbys := given(s.Replication.Standbys(s.ctx))(s); standbys != (port.Standbys{}) {
		s.Errorf("it shows %+v", standbys)
	}
}
