package rpc

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses whose X-Forwarded-For is believed. The zero value believes nobody.
type Proxies []netip.Prefix

// Address returns the address that the request came from: that of the connection, or, where the
// connection is a trusted proxy's, the last entry of X-Forwarded-For that no trusted proxy wrote.
// It is the zero Addr where the connection has no IP address.
func (p Proxies) Address(r *http.Request) netip.Addr {
	conn, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := conn.Addr().Unmap()
	if len(p) == 0 || !p.trusts(address) {
		return address
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(forwarded[i]))
		if err != nil {
			return address
		}
		if address = hop.Unmap(); !p.trusts(address) {
			return address
		}
	}
	return address
}

func (p Proxies) trusts(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}
