package dhcpd

import (
	"iter"
	"strings"
)

// keywords are the words that dhcpd's lexer knows. They matter because of what
// they are not: a statement that begins with an unknown word is, to dhcpd, an
// expression that reads a variable of that name, and `authourtative;` passes in
// silence; a statement that begins with a keyword out of place is refused.
var keywords = wordSet(`
	abandoned active add address after algorithm alias all allow also and
	anycast-mac append array at atsfp authenticated authentication
	authoring-byte-order authoritative auto-partner-down backoff-cutoff backup
	balance big-endian billing binary-to-ascii binding boolean
	boot-unknown-clients booting bootp bound break case check ciaddr class
	client-hostname client-identifier client-state client-updates clients close
	cltt code commit communications-interrupted compressed concat config-option
	conflict-done connect create db-time-format debug declines default
	default-duid default-lease-time define defined delete deleted deny
	disconnect do-forward-update do-forward-updates domain domain-list
	domain-name duplicates dynamic dynamic-bootp dynamic-bootp-lease-cutoff
	dynamic-bootp-lease-length else elsif en encapsulate encode-int ends epoch
	error ethernet eval execute exists expire expired expiry extract-int
	failover fatal fddi filename fixed-address fixed-address6 fixed-prefix6
	formerr free function get-lease-hostnames gethostbyname gethostname giaddr
	group hardware hash hba help hex host host-decl-name host-identifier
	hostname ia-na ia-pd ia-ta iaaddr iaprefix identifier if ignore include
	infiniband infinite info initial-delay initial-interval integer interface
	ip-address ip6-address is key key-algorithm known known-clients lcase lease
	lease-id-format lease-time lease6 leased-address leasequery length let limit
	little-endian ll llt load local log match max max-balance
	max-lease-misbalance max-lease-ownership max-lease-time max-life
	max-response-delay max-transmit-idle max-unacked-updates mclt media medium
	members min-balance min-lease-time min-secs my nameserver netmask never new
	next next-server no noerror normal not notauth notimp notzone null nxdomain
	nxrrset octal of omapi on one-lease-per-client open option or owner packet
	parse-vendor-option partner partner-down paused peer pick pick-first-value
	pool pool6 port potential-conflict preferred-life prefix6 prepend primary
	primary6 pseudo range range6 rebind reboot recontact-interval recover
	recover-done recover-wait refresh refused reject release released remove
	renew request require reserved reset resolution-interrupted retry return
	reverse rewind script search secondary secondary6 seconds secret select
	select-timeout send server server-duid server-identifier server-name
	servfail set shared-network shutdown siaddr signed size space spawn split
	starts startup state static string subclass subnet subnet6 substring suffix
	supersede switch temporary text timeout timestamp token-ring transmission
	tsfp tstp ucase uid unauthenticated unknown unknown-clients unknown-state
	unset unsigned update use-host-decl-names use-lease-addr-for-default-route
	user-class v6relay v6relopt vendor vendor-class width with yiaddr yxdomain
	yxrrset zerolen zone`)

// declarations are the words, other than a parameter's name, that may begin a
// statement.
var declarations = wordSet(`
	add allow append authoritative break case class db-time-format default
	define deny elsif else eval execute failover fixed-address group hardware
	host host-identifier if ignore include interface key lease log match not on
	option parse-vendor-option pool prepend range return send
	server-identifier set shared-network spawn subclass subnet supersede switch
	uid unset user-class vendor-class zone`)

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// nearest finds the word that somebody most likely meant by the misspelt one:
// the one that differs in the fewest letters, and in at most a third of them.
// It returns "" if none is near.
func nearest(misspelt string, words iter.Seq[string]) string {
	misspelt = strings.ToLower(misspelt)
	best, least := "", len(misspelt)/3+1
	for w := range words {
		if d := distance(misspelt, w); d < least || d == least && best != "" && w < best {
			best, least = w, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	if d := len(a) - len(b); d > 8 || d < -8 {
		return 9
	}
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}
