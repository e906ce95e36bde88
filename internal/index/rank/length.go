package rank

import "sync"

// lengths lists what each code stands for: exact below 40, then steps of about 4 %, up to some 176,000 words. It is asked
// for every field of every document, so it is worked out once.
var lengths = sync.OnceValue(func() *[256]int {
	var table [256]int
	for code := range table {
		if code <= 40 {
			table[code] = code
		} else {
			table[code] = table[code-1] + max(1, table[code-1]/24)
		}
	}
	return &table
})

// EncodeLength codes a number of words in one byte, rounding down. Only nothing is coded as 0.
func EncodeLength(words int) uint8 {
	table := lengths()
	code := 0
	for code < 255 && table[code+1] <= words {
		code++
	}
	return uint8(code)
}

// DecodeLength returns the number of words that a code stands for.
func DecodeLength(code uint8) int { return lengths()[code] }
