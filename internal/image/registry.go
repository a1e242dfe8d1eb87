package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// openRegistry finds an image in its registry: with the account that docker login
// or podman login has kept for it, and else as anybody may.
func openRegistry(ctx context.Context, ref string, o Options) (*source, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("neither a file nor the reference of an image: %w", err)
	}
	wanted := v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	if o.Platform != "" {
		p, err := v1.ParsePlatform(o.Platform)
		if err != nil {
			return nil, fmt.Errorf("platform %q: %w", o.Platform, err)
		}
		wanted = *p
	}
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:       http.ProxyFromEnvironment,
			DialContext: (&net.Dialer{Timeout: 20 * time.Second}).DialContext, TLSHandshakeTimeout: 20 * time.Second,
			ResponseHeaderTimeout: time.Minute, ForceAttemptHTTP2: true,
		}
	}
	account, noAccount := authn.Resolve(ctx, authn.DefaultKeychain, parsed.Context())
	if noAccount != nil {
		account = authn.Anonymous // most images ask for none
	}
	descriptor, err := remote.Get(parsed, remote.WithContext(ctx), remote.WithAuth(account), remote.WithTransport(guard{transport}),
		remote.WithPlatform(wanted), remote.WithUserAgent("wontfix"))
	if err != nil && noAccount != nil {
		err = fmt.Errorf("%w; the account that is kept for it could not be read: %w", err, noAccount)
	}
	if err != nil {
		return nil, err
	}
	found, err := descriptor.Image()
	if err != nil {
		return nil, err
	}
	if o.Platform != "" && !descriptor.MediaType.IsIndex() { // an index has said it
		config, err := found.ConfigFile()
		if err != nil {
			return nil, err
		}
		if err := (&platform{config.OS, config.Architecture, config.Variant}).isFor(o.Platform); err != nil {
			return nil, err
		}
	}
	layers, err := found.Layers()
	if err != nil {
		return nil, err
	}
	src := &source{name: parsed.Name()}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		size, err := l.Size()
		if err != nil {
			return nil, err
		}
		src.layers = append(src.layers, layer{name: digest.String(), size: size, open: func() (io.ReadCloser, error) { return l.Compressed() }})
	}
	return src, nil
}

// A guard follows no registry from https to http, sends no password in clear to
// another machine, and takes no answer that is too large to be kept in memory, as
// all are but those with a layer.
type guard struct{ http.RoundTripper }

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if from := r.Response; from != nil && from.Request.URL.Scheme == "https" && r.URL.Scheme != "https" {
		return nil, errors.New("redirected from https to " + r.URL.Scheme + ": not followed")
	}
	if r.URL.Scheme != "https" && r.Header.Get("Authorization") != "" && !loopback(r.URL.Hostname()) {
		return nil, errors.New("the account of " + r.URL.Host + " would be sent in clear: the registry does not speak https")
	}
	resp, err := g.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(r.URL.Path, "/blobs/") && r.Response == nil {
		resp.Body = limited{io.LimitReader(resp.Body, maxJSON), resp.Body}
	}
	return resp, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type limited struct {
	io.Reader
	io.Closer
}
