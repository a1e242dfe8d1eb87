package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
)

// verify compares a file with the digest at a URL.
func (c *Client) verify(ctx context.Context, file, address string) error {
	text, err := c.Text(ctx, address, 4096)
	if err != nil {
		return fmt.Errorf("digest %s: %w", Redacted(address), err)
	}
	want, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	want = strings.ToLower(want)
	var h hash.Hash
	switch _, err := hex.DecodeString(want); {
	case err == nil && len(want) == 2*sha256.Size:
		h = sha256.New()
	case err == nil && len(want) == 2*sha512.Size:
		h = sha512.New()
	default:
		return fmt.Errorf("digest %s: %.80q is no SHA-256 and no SHA-512", Redacted(address), text)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("digest %s: the publisher says %s, and what came has %s", Redacted(address), want, got)
	}
	return nil
}

// Text returns the bytes of a small file. One of more than limit bytes is an
// error.
func (c *Client) Text(ctx context.Context, address string, limit int64) ([]byte, error) {
	req, err := c.request(ctx, address)
	if err != nil {
		return nil, err
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return nil, transient(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer: %s", resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("answer: more than the %d bytes that are taken", limit)
	}
	return text, nil
}
