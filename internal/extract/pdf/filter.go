package pdf

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/ascii85"
	"errors"
	"io"
)

// decode returns the data of a stream. What cannot be decoded to its end gives what could be; a filter of images gives nothing.
func (f *file) decode(s *stream) ([]byte, error) {
	data := s.raw
	filters := f.list(s.dict["Filter"])
	params := f.list(s.dict["DecodeParms"])
	switch {
	case len(filters) > 8:
		return nil, nil
	case len(filters) == 0:
		return data, f.spend(len(data)) // it is read as often as it is referred to
	}
	for i, filter := range filters {
		var p dict
		if i < len(params) {
			p, _ = f.resolve(params[i]).(dict)
		}
		word, _ := f.resolve(filter).(name)
		var err error
		switch word {
		case "FlateDecode", "Fl":
			data, err = f.inflate(data)
			data = unpredict(data, f.params(p))
		case "LZWDecode", "LZW":
			early, ok := f.resolve(p["EarlyChange"]).(number)
			data, err = f.lzw(data, !ok || early != 0)
			data = unpredict(data, f.params(p))
		case "ASCIIHexDecode", "AHx":
			l := lexer{data: data}
			data, _ = l.hex().(text)
			err = f.spend(len(data))
		case "ASCII85Decode", "A85":
			data = ascii85Decode(data)
			err = f.spend(len(data))
		case "RunLengthDecode", "RL":
			data, err = f.runLength(data)
		case "Crypt":
		default:
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return data, nil
}

// list is an array, or a single object as one.
func (f *file) list(o object) array {
	switch v := f.resolve(o).(type) {
	case nil:
		return nil
	case array:
		return v
	default:
		return array{v}
	}
}

// spend takes n bytes out of the budget for inflated data.
func (f *file) spend(n int) error {
	if f.left -= n; f.left < 0 {
		return ErrTooLarge
	}
	return f.ctx.Err()
}

func (f *file) inflate(data []byte) ([]byte, error) {
	var r io.Reader
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err == nil {
		r = z
	} else if len(data) > 2 {
		r = flate.NewReader(bytes.NewReader(data[2:])) // a broken header over whole data
	} else {
		return nil, nil
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(f.left)+1))
	if err != nil && len(out) == 0 && !errors.Is(err, io.EOF) {
		return nil, f.spend(0)
	}
	return out, f.spend(len(out))
}

// lzw is not compress/lzw: PDF widens codes one step earlier, and begins with a code of nine bits.
func (f *file) lzw(data []byte, early bool) ([]byte, error) {
	const clearCode, endCode, most = 256, 257, 4096
	type link struct {
		prefix int
		last   byte
		size   int
	}
	table := make([]link, 258, most)
	for i := range 256 {
		table[i] = link{-1, byte(i), 1}
	}
	var out []byte
	width, bits, held, prev := 9, 0, 0, -1
	shift := 0
	if early {
		shift = 1
	}
	for _, b := range data {
		held = held<<8 | int(b)
		if bits += 8; bits < width {
			continue
		}
		bits -= width
		code := held >> bits & (1<<width - 1)
		held &= 1<<bits - 1
		switch {
		case code == clearCode:
			table, width, prev = table[:258], 9, -1
			continue
		case code == endCode:
			return out, f.spend(len(out))
		case code > len(table) || code == len(table) && prev < 0:
			return out, f.spend(len(out)) // broken from here on
		}
		from := code
		if code == len(table) {
			from = prev
		}
		size := table[from].size
		if len(out)+size+1 > f.left {
			return nil, ErrTooLarge
		}
		begin := len(out)
		out = append(out, make([]byte, size)...)
		for i, at := begin+size-1, from; i >= begin && at >= 0; i-- {
			out[i] = table[at].last
			at = table[at].prefix
		}
		first := out[begin]
		if code == len(table) {
			out = append(out, first)
		}
		if prev >= 0 && len(table) < most {
			table = append(table, link{prev, first, table[prev].size + 1})
		}
		prev = code
		if n := len(table) + shift; n >= 1<<width && width < 12 {
			width++
		}
	}
	return out, f.spend(len(out))
}

func (f *file) runLength(data []byte) ([]byte, error) {
	var out []byte
	for at := 0; at < len(data) && data[at] != 128; {
		n := int(data[at])
		at++
		if n < 128 {
			stop := min(at+n+1, len(data))
			out = append(out, data[at:stop]...)
			at = stop
		} else if at < len(data) {
			out = append(out, bytes.Repeat(data[at:at+1], 257-n)...)
			at++
		}
		if len(out) > f.left {
			return nil, ErrTooLarge
		}
	}
	return out, f.spend(len(out))
}

func ascii85Decode(data []byte) []byte {
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("<~"))
	if i := bytes.IndexByte(data, '~'); i >= 0 {
		data = data[:i]
	}
	out := make([]byte, 4*len(data)+4) // "z" stands for four bytes
	n, _, err := ascii85.Decode(out, data, true)
	if err != nil {
		return nil
	}
	return out[:n]
}

// prediction is how data was made easier to compress.
type prediction struct{ kind, colors, bits, columns int }

func (f *file) params(p dict) prediction {
	get := func(key string, otherwise int) int {
		if n, ok := f.resolve(p[key]).(number); ok && n >= 1 && n <= 1<<20 {
			return int(n)
		}
		return otherwise
	}
	return prediction{get("Predictor", 1), get("Colors", 1), get("BitsPerComponent", 8), get("Columns", 1)}
}

// unpredict undoes the filters of PNG, which streams of objects may use.
func unpredict(data []byte, p prediction) []byte {
	if p.kind < 10 || p.colors > 64 || p.bits > 64 {
		return data
	}
	width := (p.colors*p.bits*p.columns + 7) / 8
	step := max(1, p.colors*p.bits/8)
	out := make([]byte, 0, len(data))
	before := make([]byte, min(width, len(data)))
	for len(data) > 1 {
		kind := data[0]
		row := bytes.Clone(data[1:min(1+width, len(data))])
		data = data[1+len(row):]
		for i := range row {
			var left, up, corner byte
			if i >= step {
				left = row[i-step]
				corner = before[i-step]
			}
			up = before[i]
			switch kind {
			case 1:
				row[i] += left
			case 2:
				row[i] += up
			case 3:
				row[i] += byte((int(left) + int(up)) / 2) //nolint:gosec // the mean of two bytes
			case 4:
				row[i] += paeth(left, up, corner)
			}
		}
		out = append(out, row...)
		copy(before, row)
	}
	return out
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := max(p-int(a), int(a)-p), max(p-int(b), int(b)-p), max(p-int(c), int(c)-p)
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}
