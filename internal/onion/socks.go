package onion

import (
	"crypto/rand"
	"fmt"
	"net"

	"golang.org/x/net/proxy"
)

// Dialer makes a dialer through tor's SOCKS port, "unix:/path" or "host:port". Names
// go to tor as they are: none is ever looked up here. What one Dialer connects shares
// circuits with nothing else that uses this tor: it signs in with a word of its own,
// which tor keeps apart (IsolateSOCKSAuth, its default).
func Dialer(socks string) (proxy.ContextDialer, error) {
	network, address := endpoint(socks)
	d, err := proxy.SOCKS5(network, address, &proxy.Auth{User: "daylight", Password: rand.Text()}, new(net.Dialer))
	if err != nil {
		return nil, fmt.Errorf("tor's SOCKS port: %w", err)
	}
	return d.(proxy.ContextDialer), nil
}
