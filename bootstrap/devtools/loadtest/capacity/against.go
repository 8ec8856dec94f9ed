package capacity

import "fmt"

// Against says why the chosen settings are rather taken than others; empty where the others are better.
func (c Candidate) Against(other Candidate) string {
	differ := func(x, y float64) bool { return y > x*(1+noise) }
	switch {
	case c.InTime && !other.InTime:
		return "would not surely arrive in time"
	case !c.InTime && other.InTime:
		return ""
	case c.InTime && differ(c.Cost.AllPerMillion, other.Cost.AllPerMillion):
		return fmt.Sprintf("costs %.0f%% more", 100*(other.Cost.AllPerMillion/c.Cost.AllPerMillion-1))
	case c.InTime && differ(other.Cost.AllPerMillion, c.Cost.AllPerMillion):
		return ""
	case differ(max(c.Finish, 1), other.Finish):
		return fmt.Sprintf("takes %.0f%% longer", 100*(other.Finish/c.Finish-1))
	case differ(max(other.Finish, 1), c.Finish):
		return ""
	case differ(c.exposed(), other.exposed()):
		return fmt.Sprintf("as fast, with %s calls under way instead of %s: when a task dies, the outcomes of its calls are unknown", count(other.exposed()), count(c.exposed()))
	case differ(other.exposed(), c.exposed()):
		return ""
	case c.Tasks < other.Tasks:
		return "as fast, with more tasks"
	case c.Tasks == other.Tasks && c.Partitions < other.Partitions:
		return "as fast, with more partitions"
	case c.Tasks == other.Tasks && c.Partitions == other.Partitions && c.InFlight < other.InFlight:
		return "as fast; room that is never used until the gateway slows down"
	case c.Tasks == other.Tasks && c.Partitions == other.Partitions && c.Page > other.Page:
		return "as fast, with more pages"
	}
	return ""
}
