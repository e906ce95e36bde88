package outbound

import "net/netip"

// reserved are the ranges that no public server has (the IANA special-purpose registries, RFC 6890 and its successors).
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("240.0.0.0/4"),
	}
}

// global is the part of IPv6 that is given out to the public (RFC 4291, section 2.4); all else is refused. In it lie ranges that are
// not for servers: tunnels, which would carry an IPv4 address past the check, documentation, and ORCHIDs.
func global() (all netip.Prefix, but []netip.Prefix) {
	return netip.MustParsePrefix("2000::/3"), []netip.Prefix{
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("3fff::/20"),
	}
}

// nat64 is the prefix under which IPv6-only networks reach IPv4 (RFC 6052).
func nat64() netip.Prefix { return netip.MustParsePrefix("64:ff9b::/96") }

// Public reports whether ip can be a server's on the public internet. An IPv4 address inside an IPv6 one is judged as itself.
func Public(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if nat64().Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	if ip.Is4() {
		return !within(ip, reserved())
	}
	all, but := global()
	return all.Contains(ip) && !within(ip, but)
}
