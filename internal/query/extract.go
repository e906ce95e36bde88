package query

// Clause is a demand made by operators: at least one of its tests holds. A query demands all of its clauses.
type Clause []Test

// Test is one operator, plain or negated.
type Test struct {
	Field
	Not bool
}

// Extract takes the operators whose names are known out of the query, and returns them with the query that is
// left. Operators count at the top of the query, alone, negated or joined by OR with other known operators. Every other
// Field is turned into words; where its name is known, the rest's Ignored says so. The rest has no Field in it.
func (q Query) Extract(known func(name string) bool) ([]Clause, Query) {
	e := extractor{known: known, ignored: q.Ignored[:len(q.Ignored):len(q.Ignored)]}
	var clauses []Clause
	rest := Query{}
	for _, item := range q.Root {
		if clause := e.clause(item); clause != nil {
			clauses = append(clauses, clause)
			continue
		}
		if words, is := item.(Field); is {
			rest.Root = append(rest.Root, demote(words)...)
			continue
		}
		rest.Root = append(rest.Root, e.words(item))
	}
	rest.Ignored = e.ignored
	return clauses, rest
}

type extractor struct {
	known   func(string) bool
	ignored []Ignored
}

// clause returns the demand that item makes, or nil when it is not made of known operators alone.
func (e *extractor) clause(item Node) Clause {
	switch item := item.(type) {
	case Field:
		if e.known(item.Name) {
			return Clause{{Field: item}}
		}
	case Not:
		if f, is := item.Node.(Field); is && e.known(f.Name) {
			return Clause{{Field: f, Not: true}}
		}
	case Any:
		var list Clause
		for _, part := range item {
			f, is := part.(Field)
			if !is || !e.known(f.Name) {
				return nil
			}
			list = append(list, Test{Field: f})
		}
		return list
	}
	return nil
}

// words returns n with each Field in it turned into words.
func (e *extractor) words(n Node) Node {
	switch n := n.(type) {
	case All:
		var list All
		for _, part := range n {
			if f, is := part.(Field); is {
				e.note(f)
				list = append(list, demote(f)...)
				continue
			}
			list = append(list, e.words(part))
		}
		return list
	case Any:
		var list Any
		for _, part := range n {
			list = append(list, e.words(part))
		}
		return list
	case Not:
		return Not{e.words(n.Node)}
	case Field:
		e.note(n)
		list := demote(n)
		if len(list) == 1 {
			return list[0]
		}
		return list
	}
	return n
}

func (e *extractor) note(f Field) {
	if e.known(f.Name) && len(e.ignored) < maxIgnored {
		e.ignored = append(e.ignored, Ignored{Print(f), Mixed})
	}
}

// demote turns an operator back into what it looks like as text.
func demote(f Field) All {
	if isBareValue(f.Value) {
		return All{Word(f.Name + ":" + f.Value)}
	}
	return All{Word(f.Name), Phrase(f.Value)}
}
