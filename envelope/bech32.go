package envelope

import "strings"

// bech32 encodes data under a prefix, in capitals: BIP 173, without its limit of
// 90 characters, as age writes its keys. The result holds what the data held.
func bech32(prefix string, data []byte) string {
	const charset = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	five := regroup(data)
	check := polymod(append(expand(strings.ToLower(prefix)), append(five[:len(five):len(five)], 0, 0, 0, 0, 0, 0)...)) ^ 1
	for i := range 6 {
		five = append(five, byte(check>>(5*(5-i)))&31)
	}
	var b strings.Builder
	b.WriteString(prefix)
	b.WriteByte('1')
	for _, v := range five {
		b.WriteByte(charset[v])
	}
	return b.String()
}

// regroup cuts bytes into groups of five bits, the last one filled with zeros.
func regroup(data []byte) []byte {
	var out []byte
	var acc, bits uint
	for _, b := range data {
		acc, bits = acc<<8|uint(b), bits+8
		for bits >= 5 {
			bits -= 5
			out = append(out, byte(acc>>bits)&31)
		}
	}
	if bits > 0 {
		out = append(out, byte(acc<<(5-bits))&31)
	}
	return out
}

func expand(prefix string) []byte {
	var out []byte
	for i := range len(prefix) {
		out = append(out, prefix[i]>>5)
	}
	out = append(out, 0)
	for i := range len(prefix) {
		out = append(out, prefix[i]&31)
	}
	return out
}

func polymod(values []byte) uint32 {
	generator := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	sum := uint32(1)
	for _, v := range values {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range generator {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum
}
