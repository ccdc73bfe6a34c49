package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Forge makes all checksums of a changed segment right again, where its trailer still
// makes sense, and those of the first segment in a manifest. It returns the manifest.
func Forge(b, manifest []byte) []byte {
	m, err := decodeManifest(manifest)
	if err != nil {
		panic(err)
	}
	if size := len(b); size > trailerSize {
		trailer := b[size-trailerSize:]
		end := binary.LittleEndian.Uint64(trailer[8:])
		if end < uint64(size-trailerSize) {
			for p := uint64(0); p*pageSize < end && end+4*p+4 <= uint64(size); p++ {
				sum := crc32.Checksum(b[p*pageSize:min((p+1)*pageSize, end)], castagnoli)
				binary.LittleEndian.PutUint32(b[end+4*p:], sum)
			}
			m.Segments[0].Check = crc32.Checksum(b[end:size-trailerSize+16], castagnoli)
			binary.LittleEndian.PutUint32(trailer[16:], m.Segments[0].Check)
		}
	}
	out, err := m.encode()
	if err != nil {
		panic(err)
	}
	return out
}

// Seal makes the checksum of a manifest right.
func Seal(b []byte) []byte {
	_, body, _ := bytes.Cut(b, []byte("\n"))
	return append(fmt.Appendf(nil, manifestFirst, crc32.Checksum(body, castagnoli)), body...)
}
