package pdf

import (
	"bytes"
	"context"
	"slices"
)

// place is where an object lies: in the file, or in a stream of objects.
type place struct {
	offset int // of what follows "obj"; or the index within the stream
	stream int // the number of the stream of objects, 0 for none
}

// file is a PDF that is being read.
type file struct {
	ctx       context.Context
	data      []byte
	places    map[int]place
	parsed    map[int]object
	kept      int              // bytes of the file that these stand for
	bundles   map[int][]object // of streams of objects that were opened
	root      object
	info      object
	encrypted bool
	left      int // bytes that may still be inflated
	work      int // bytes parsed, of which the file may have many passes
	made      int // members of what streams of objects hold
	steps     int // of content streams
}

// maxPasses bounds how often a file is parsed, in multiples of its size: once to find the objects, once to read them.
const maxPasses = 16

// Bounds of the dictionaries at the ends of a file and of its earlier versions.
const (
	maxTrailers = 2000
	maxTrailer  = 16 << 10 // bytes
)

// walk finds the objects. Of several with one number the last holds, as files are changed by appending.
func (f *file) walk() error {
	var streams []int // of objects, in the order of the file
	next := func(word string, from int) int {
		if i := bytes.Index(f.data[min(from, len(f.data)):], []byte(word)); i >= 0 {
			return from + i
		}
		return len(f.data)
	}
	trailer, trailers := next("trailer", 0), 0
	for at, steps := 0, 1; ; steps++ {
		if steps%256 == 0 && f.ctx.Err() != nil {
			return f.ctx.Err()
		}
		i := next("obj", at)
		for ; trailer < i; trailer = next("trailer", trailer+1) {
			if trailer < at {
				continue // inside a stream
			}
			if trailers++; trailers > maxTrailers {
				return ErrTooLarge
			}
			from := trailer + len("trailer")
			l := lexer{data: f.data[from:min(from+maxTrailer, len(f.data))], refs: true}
			if d, ok := l.next(0).(dict); ok {
				f.trailer(d)
			}
		}
		if i == len(f.data) {
			break
		}
		at = i + len("obj")
		num, ok := f.header(i)
		if !ok {
			continue
		}
		if len(f.places) >= maxObjects {
			return ErrTooLarge
		}
		f.places[num] = place{offset: at}
		o, after := f.parse(at)
		at = max(at, after)
		s, isStream := o.(*stream)
		if !isStream {
			continue
		}
		switch s.dict["Type"] {
		case name("XRef"):
			f.trailer(s.dict)
		case name("ObjStm"):
			streams = slices.DeleteFunc(streams, func(n int) bool { return n == num })
			streams = append(streams, num)
		}
	}
	if f.encrypted {
		return nil
	}
	return f.unbundle(streams)
}

func (f *file) trailer(d dict) {
	if r, ok := d["Root"]; ok {
		f.root = r
	}
	if r, ok := d["Info"]; ok {
		f.info = r
	}
	if e, ok := d["Encrypt"]; ok && e != nil {
		f.encrypted = true
	}
}

// header reads the number and generation before "obj" at i.
func (f *file) header(i int) (num int, ok bool) {
	back := func(at int) (value, before int, ok bool) {
		for at > 0 && isSpace(f.data[at-1]) {
			at--
		}
		stop := at
		for at > 0 && f.data[at-1] >= '0' && f.data[at-1] <= '9' && stop-at < 9 {
			at--
		}
		for _, c := range f.data[at:stop] {
			value = value*10 + int(c-'0')
		}
		return value, at, at < stop
	}
	if i > 2 && string(f.data[i-3:i]) == "end" {
		return 0, false
	}
	_, before, ok := back(i)
	if !ok || before == 0 || !isSpace(f.data[before-1]) {
		return 0, false
	}
	num, _, ok = back(before)
	return num, ok && num > 0
}

// parse reads the object at an offset, and says where it ends.
func (f *file) parse(at int) (object, int) {
	if f.work > maxPasses*(len(f.data)+1<<20) {
		return nil, at
	}
	l := lexer{data: f.data, at: at, refs: true}
	o := l.next(0)
	f.work += l.at - at
	d, ok := o.(dict)
	if !ok {
		if _, nothing := o.(end); nothing {
			o = nil
		}
		return o, l.at
	}
	l.skip()
	if !bytes.HasPrefix(f.data[l.at:], []byte("stream")) {
		return d, l.at
	}
	begin := l.at + len("stream")
	if begin < len(f.data) && f.data[begin] == '\r' {
		begin++
	}
	if begin < len(f.data) && f.data[begin] == '\n' {
		begin++
	}
	begin = min(begin, len(f.data))
	stop, ok := f.length(d, begin)
	if !ok {
		n := bytes.Index(f.data[begin:], []byte("endstream"))
		if n < 0 {
			n = len(f.data) - begin
		}
		stop = begin + n
	}
	return &stream{d, f.data[begin:stop]}, stop
}

// length returns where a stream ends, if what its dictionary says of that is true.
func (f *file) length(d dict, begin int) (stop int, ok bool) {
	v := d["Length"]
	if r, isRef := v.(ref); isRef {
		p, known := f.places[int(r)]
		if !known || p.stream != 0 {
			return 0, false
		}
		l := lexer{data: f.data, at: p.offset}
		v = l.next(0)
	}
	n, isNumber := v.(number)
	if !isNumber || n < 0 || float64(n) > float64(len(f.data)-begin) {
		return 0, false
	}
	stop = begin + int(n)
	rest := bytes.TrimLeft(f.data[stop:min(stop+16, len(f.data))], "\r\n \t\x00")
	return stop, bytes.HasPrefix(rest, []byte("endstr"))
}

// unbundle finds the objects that lie in streams of objects.
func (f *file) unbundle(streams []int) error {
	f.bundles = map[int][]object{}
	for _, num := range streams {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		o, _ := f.parse(f.places[num].offset)
		s, ok := o.(*stream)
		if !ok {
			continue
		}
		data, err := f.decode(s)
		if err != nil {
			return err
		}
		count, _ := s.dict["N"].(number)
		first, _ := s.dict["First"].(number)
		if first < 0 || int(first) > len(data) {
			continue
		}
		head := lexer{data: data[:int(first)]}
		var list []object
		for i := 0; i < int(min(count, maxObjects)); i++ {
			id, ok1 := head.next(0).(number)
			offset, ok2 := head.next(0).(number)
			if !ok1 || !ok2 {
				break
			}
			if offset < 0 || int(first)+int(min(offset, 1<<40)) > len(data) || id < 1 || id > 1<<30 {
				list = append(list, nil)
				continue
			}
			if len(f.places) >= maxObjects {
				return ErrTooLarge
			}
			body := lexer{data: data, at: int(first) + int(offset), refs: true}
			o := body.next(0)
			f.work += body.at - int(first) - int(offset)
			if f.made += body.made; f.made > 4*maxMembers || f.work > maxPasses*(len(f.data)+1<<20)+f.left {
				return ErrTooLarge
			}
			if _, nothing := o.(end); nothing {
				o = nil
			}
			list = append(list, o)
			if p, known := f.places[int(id)]; !known || p.stream != 0 || p.offset < f.places[num].offset {
				f.places[int(id)] = place{offset: i, stream: num}
			}
		}
		f.bundles[num] = list
	}
	return nil
}

// resolve follows references to the object itself. What is missing, and a circle, is nil.
func (f *file) resolve(o object) object {
	for range 16 {
		r, ok := o.(ref)
		if !ok {
			return o
		}
		o = f.object(int(r))
	}
	return nil
}

func (f *file) object(num int) object {
	if o, ok := f.parsed[num]; ok {
		return o
	}
	p, ok := f.places[num]
	if !ok {
		return nil
	}
	var o object
	if p.stream == 0 {
		before := f.work
		o, _ = f.parse(p.offset)
		f.kept += f.work - before
	} else if list := f.bundles[p.stream]; p.offset < len(list) {
		o = list[p.offset]
	}
	if len(f.parsed) >= maxResolved || f.kept > maxKept {
		clear(f.parsed)
		f.kept = 0
	}
	f.parsed[num] = o
	return o
}

// findCatalog looks for the root of a file without a trailer.
func (f *file) findCatalog() dict {
	best, at := dict(nil), -1
	for num, p := range f.places {
		if d, ok := f.object(num).(dict); ok && d["Type"] == name("Catalog") && p.offset > at {
			best, at = d, p.offset
		}
	}
	return best
}
