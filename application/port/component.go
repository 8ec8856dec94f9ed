package port

// The components that the system waits for while they are down, as metrics, logs and answers name them. Gateways have the names of
// their providers.
const (
	ComponentDatabase   = "database"
	ComponentEventLog   = "event log"
	ComponentStatements = "statements" // the store of statements
	ComponentKeys       = "keys"       // the keyset
)
