// Package kea reads the configuration of Kea's DHCPv4 server, and says what
// that answers to a client.
//
// [Parse] is where to start. [Config.Answer] is the answer to a DISCOVER or
// REQUEST of a client on the server's own network, as Kea 2.2 without leases
// gives it; a test asks both the same. Options 12 and 81, by which names are
// told, are not answered here, and relayed messages are not.
//
// What could change an answer and is not obeyed here is reported as a doubt:
// hosts and settings in databases, hooks of which the effect is not known, and
// expressions beyond those of expr.go.
//
// json.go reads Kea's JSON (comments and <?include?>) and keeps the place of
// every value; declare.go makes a Config of it, options.go the options' bytes,
// expr.go the classes' tests, and answer.go an answer.
package kea
