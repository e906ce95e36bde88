package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// checkEvery is how often the certificate's files are looked at, at most.
const checkEvery = 10 * time.Second

// certificate is a certificate that follows its files: renewed ones are used without a restart.
type certificate struct {
	certFile, keyFile string

	mu      sync.Mutex // guards what follows
	cert    *tls.Certificate
	changed time.Time // of the newer file
	checked time.Time
}

func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	changed, err := c.modified()
	if err != nil {
		return nil, err
	}
	return c, c.load(changed)
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}
}

func (c *certificate) modified() (time.Time, error) {
	var newest time.Time
	for _, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return newest, fmt.Errorf("certificate: %w", err)
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, nil
}

func (c *certificate) load(changed time.Time) error {
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.cert, c.changed = &cert, changed
	return nil
}

// get returns the certificate of now. Files that are half written keep the one before.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) > checkEvery {
		c.checked = time.Now()
		if changed, err := c.modified(); err == nil && !changed.Equal(c.changed) {
			_ = c.load(changed) // tried again at the next look
		}
	}
	return c.cert, nil
}
