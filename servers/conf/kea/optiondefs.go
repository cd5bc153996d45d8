package kea

import "strings"

// A definition is what an option holds.
type definition struct {
	name  string
	code  int
	types []string // of one field, or of several (a record)
	array bool
	inner string // the space of options inside of it
}

// standard are Kea's own definitions of space dhcp4, in the order of their
// codes. A type with "[]" behind it is a list.
var standard = func() []definition {
	var all []definition
	for line := range strings.Lines(strings.TrimSpace(standardText)) {
		f := strings.Fields(line)
		d := definition{name: f[1]}
		for _, c := range f[0] {
			d.code = d.code*10 + int(c-'0')
		}
		for _, t := range strings.Split(f[2], ",") {
			one, array := strings.CutSuffix(t, "[]")
			d.types, d.array = append(d.types, one), d.array || array
		}
		if d.code == 43 {
			d.inner = "vendor-encapsulated-options-space"
		}
		all = append(all, d)
	}
	return all
}()

const standardText = `
1 subnet-mask ipv4-address
2 time-offset int32
3 routers ipv4-address[]
4 time-servers ipv4-address[]
5 name-servers ipv4-address[]
6 domain-name-servers ipv4-address[]
7 log-servers ipv4-address[]
8 cookie-servers ipv4-address[]
9 lpr-servers ipv4-address[]
10 impress-servers ipv4-address[]
11 resource-location-servers ipv4-address[]
12 host-name string
13 boot-size uint16
14 merit-dump string
15 domain-name string
16 swap-server ipv4-address
17 root-path string
18 extensions-path string
19 ip-forwarding boolean
20 non-local-source-routing boolean
21 policy-filter ipv4-address[]
22 max-dgram-reassembly uint16
23 default-ip-ttl uint8
24 path-mtu-aging-timeout uint32
25 path-mtu-plateau-table uint16[]
26 interface-mtu uint16
27 all-subnets-local boolean
28 broadcast-address ipv4-address
29 perform-mask-discovery boolean
30 mask-supplier boolean
31 router-discovery boolean
32 router-solicitation-address ipv4-address
33 static-routes ipv4-address[]
34 trailer-encapsulation boolean
35 arp-cache-timeout uint32
36 ieee802-3-encapsulation boolean
37 default-tcp-ttl uint8
38 tcp-keepalive-interval uint32
39 tcp-keepalive-garbage boolean
40 nis-domain string
41 nis-servers ipv4-address[]
42 ntp-servers ipv4-address[]
43 vendor-encapsulated-options empty
44 netbios-name-servers ipv4-address[]
45 netbios-dd-server ipv4-address[]
46 netbios-node-type uint8
47 netbios-scope string
48 font-servers ipv4-address[]
49 x-display-manager ipv4-address[]
52 dhcp-option-overload uint8
54 dhcp-server-identifier ipv4-address
56 dhcp-message string
57 dhcp-max-message-size uint16
60 vendor-class-identifier string
62 nwip-domain-name string
63 nwip-suboptions binary
64 nisplus-domain-name string
65 nisplus-servers ipv4-address[]
66 tftp-server-name string
67 boot-file-name string
68 mobile-ip-home-agent ipv4-address[]
69 smtp-server ipv4-address[]
70 pop-server ipv4-address[]
71 nntp-server ipv4-address[]
72 www-server ipv4-address[]
73 finger-server ipv4-address[]
74 irc-server ipv4-address[]
75 streettalk-server ipv4-address[]
76 streettalk-directory-assistance-server ipv4-address[]
77 user-class binary
85 nds-servers ipv4-address[]
86 nds-tree-name string
87 nds-context string
89 bcms-controller-address ipv4-address[]
93 client-system uint16[]
94 client-ndi uint8,uint8,uint8
97 uuid-guid uint8,binary
98 uap-servers string
100 pcode string
101 tcode string
108 v6-only-preferred uint32
112 netinfo-server-address ipv4-address[]
113 netinfo-server-tag string
114 v4-captive-portal string
116 auto-config uint8
117 name-service-search uint16[]
119 domain-search fqdn[]
`
