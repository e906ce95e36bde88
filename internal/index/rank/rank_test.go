package rank

import (
	"math"
	"testing"
)

func TestLengths(t *testing.T) {
	previous := -1
	for n := range 200000 {
		code := EncodeLength(n)
		d := DecodeLength(code)
		if d > n || n < 180000 && float64(n-d) > 0.05*float64(n) {
			t.Fatalf("DecodeLength(EncodeLength(%d)) = %d", n, d)
		}
		if int(code) < previous {
			t.Fatalf("EncodeLength(%d) = %d, below that of %d", n, code, n-1)
		}
		previous = int(code)
	}
	if EncodeLength(0) != 0 || EncodeLength(1) != 1 || EncodeLength(math.MaxInt) != 255 {
		t.Error("EncodeLength of 0, 1 and the greatest number, want 0, 1 and 255")
	}
}

func TestStatistics(t *testing.T) {
	var s Statistics
	a, b := Lengths{3, 100}, Lengths{5, 200, 7}
	s.Add(&a, 1)
	s.Add(&b, 1)
	s.Add(&a, -1)
	if want := (Statistics{1, [Fields]int64{1, 1, 1}, [Fields]int64{5, int64(DecodeLength(200)), 7}}); s != want {
		t.Errorf("statistics after adding and removing = %v, want %v", s, want)
	}
	n := s.Norms()
	if got := n.Frequency(&Counts{1}, &b); math.Abs(got-4) > 1e-9 {
		t.Errorf("Frequency of one word in a title of mean length = %v, want the field's weight 4", got)
	}
	if n[Body][50] <= n[Body][200] {
		t.Error("an occurrence in a short body should weigh more than in a long one")
	}
	var none Statistics
	if f := none.Norms().Frequency(&Counts{1, 1}, &b); math.IsNaN(f) || math.IsInf(f, 0) {
		t.Errorf("Frequency without documents = %v", f)
	}
}

func TestBoosts(t *testing.T) {
	const now = 2_000_000_000
	for _, c := range []struct {
		updated, now int64
		popularity   float64
		verification int
		want         float64
	}{
		{0, now, 0, 0, 1},
		{now, 0, 0, 0, 1},
		{now, now, 0, 0, 1 + freshnessBoost},
		{now + 999, now, 0, 0, 1 + freshnessBoost},
		{now - freshnessHalfLife, now, 0, 0, 1 + freshnessBoost/2},
		{now, now, 1, 1, MaxBoost},
		{now, now, 1e9, 100, MaxBoost},
		{0, 0, math.NaN(), -1, 1 - verificationBoost},
		{0, 0, -5, -100, 1 - verificationBoost},
	} {
		got := BoostsOf(c.updated, c.now, c.popularity, c.verification).Factor()
		if math.Abs(got-c.want) > 1e-12 || got > MaxBoost {
			t.Errorf("BoostsOf(%d, %d, %v, %d).Factor() = %v, want %v", c.updated, c.now, c.popularity, c.verification, got, c.want)
		}
	}
}

func TestScoreGrows(t *testing.T) {
	s := Statistics{Documents: 1000}
	if s.Rarity(1) <= s.Rarity(500) || s.Rarity(1000) <= 0 {
		t.Errorf("Rarity(1), (500), (1000) = %v, %v, %v, want falling and above 0", s.Rarity(1), s.Rarity(500), s.Rarity(1000))
	}
	if Word(1, 1) >= Word(1, 2) || Word(1, 1e9) > saturation+1 {
		t.Error("Word should grow with the frequency and stay below its bound")
	}
	if Coverage(1, 2) >= Coverage(2, 2) || Coverage(2, 2) != 1 || Coverage(0, 0) != 1 {
		t.Error("Coverage should grow to 1")
	}
}
