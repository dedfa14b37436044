package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Content is the source as it is written, byte for byte. The error is Problems.
func (s Source) Content() ([]byte, error) {
	data, fault := s.raw()
	if problems := s.judge(data, fault); problems != nil {
		return nil, problems
	}
	return data, nil
}

// Digest is a fingerprint of content as it is written. It is keyed as Config.Hash is, so that nothing can be learnt
// from it of what may be a short password: equal within one process, another one in every other.
func (s Source) Digest(content []byte) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("content\x00"))
	mac.Write(content)
	return hex.EncodeToString(mac.Sum(nil))
}

// JSON tells whether the content is JSON with comments; everything else is YAML.
func (s Source) JSON() bool { return isJSON(s.Path) }
