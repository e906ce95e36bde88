package wire

// TextRange is a part of a text, in UTF-16 code units, the end excluded.
type TextRange struct {
	StartIndex int    `json:"startIndex"`
	EndIndex   int    `json:"endIndex,omitzero"`
	Type       string `json:"type,omitzero"` // BOLD, CITATION, HIGHLIGHT or LINK
	URL        string `json:"url,omitzero"`
}

// Bold is the type of a range that matched the query.
const Bold = "BOLD"

// ErrorInfo says what about a request could not be used. Every part is optional.
type ErrorInfo struct {
	InvalidOperators []InvalidOperator `json:"invalidOperators,omitzero"`
	ErrorMessages    []ErrorMessage    `json:"errorMessages,omitzero"`
}

// InvalidOperator is a filter or operator whose value means nothing.
type InvalidOperator struct {
	Key   string `json:"key,omitzero"`
	Value string `json:"value,omitzero"`
}

// ErrorMessage is one thing that went wrong, and where.
type ErrorMessage struct {
	Source       string `json:"source,omitzero"`
	ErrorMessage string `json:"errorMessage,omitzero"`
}
