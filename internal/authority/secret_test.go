package authority

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestSecretsAreOfTheirFormAndNeverEqual(t *testing.T) {
	form := regexp.MustCompile(`^shf_[cisl]_[0-9A-Za-z]{49}$`)
	seen := map[string]bool{}
	var counts [256]int
	for i := range 20_000 {
		k := []kind{clientSecret, indexingSecret, sessionSecret, linkSecret}[i%4]
		s := newSecret(k)
		got, _, ok := readSecret(s.Reveal())
		if !form.MatchString(s.Reveal()) || !ok || got != k {
			t.Fatalf("newSecret(%c) = %q, read as %c, %v", k, s.Reveal(), got, ok)
		}
		if seen[s.Reveal()] {
			t.Fatalf("%q was made twice", s.Reveal())
		}
		seen[s.Reveal()] = true
		for _, c := range []byte(s.Reveal()[prefixSize : prefixSize+bodySize]) {
			counts[c]++
		}
	}
	// 860,000 characters over 62: each is near 13,871, with a standard deviation of 117.
	for _, c := range []byte(digits) {
		if counts[c] < 13_100 || counts[c] > 14_650 {
			t.Errorf("character %c came %d times, want about 13871", c, counts[c])
		}
	}
}

func TestTyposAreRefusedBeforeAnyLookUp(t *testing.T) {
	secret := newSecret(clientSecret).Reveal()
	var typos []string
	for i := range secret {
		typos = append(typos, secret[:i]+flip(secret[i])+secret[i+1:], secret[:i]+secret[i+1:], secret[:i]+"x"+secret[i:])
		if i > 0 && secret[i] != secret[i-1] {
			typos = append(typos, secret[:i-1]+secret[i:i+1]+secret[i-1:i]+secret[i+1:])
		}
	}
	typos = append(typos, "", "shf_c_", strings.ToUpper(secret), strings.Replace(secret, "_c_", "_i_", 1), strings.Repeat("a", secretSize))
	for _, typo := range typos {
		if _, _, ok := readSecret(typo); ok {
			t.Errorf("readSecret(%q) = true for a typo of %q", typo, secret)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := newSecret(clientSecret)
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("made", "secret", s)
	fmt.Fprintf(&out, "%v %s %+v", s, s, s)
	if strings.Contains(out.String(), s.Reveal()) || strings.Contains(out.String(), s.Reveal()[12:40]) {
		t.Errorf("a secret printed: %s", out.String())
	}
	if want := s.Reveal()[:10] + "…" + s.Reveal()[51:]; s.String() != want {
		t.Errorf("String = %q, want %q", s.String(), want)
	}
}

func FuzzReadSecret(f *testing.F) {
	f.Add(newSecret(clientSecret).Reveal())
	f.Add("shf_c_0000000000000000000000000000000000000000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		k, _, ok := readSecret(text)
		if !ok {
			return
		}
		again := appendCheck([]byte(text[:prefixSize+bodySize]))
		if string(again) != text || text[4] != byte(k) {
			t.Errorf("readSecret(%q) = true, want the checksum of %q", text, again)
		}
	})
}
