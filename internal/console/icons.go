package console

import (
	"fmt"
	"html/template"
)

// icons are the insides of our pictures, on a grid of 16, drawn as strokes of 1.5.
var icons = map[string]string{
	"add":        `<path d="M8 3v10M3 8h10"/>`,
	"audit":      `<path d="M3 2.5h7l3 3v8H3z"/><path d="M5.5 7h5M5.5 9.5h5M5.5 12h3"/>`,
	"bar":        `<circle cx="8" cy="8" r="5.8"/><path d="m4 4 8 8"/>`,
	"book":       `<path d="M2.5 3c2-.6 4-.4 5.5.7 1.5-1.1 3.5-1.3 5.5-.7v9.5c-2-.6-4-.4-5.5.7-1.5-1.1-3.5-1.3-5.5-.7zM8 3.7v9.5"/>`,
	"chevron":    `<path d="m6.5 4.5 3.5 3.5-3.5 3.5"/>`,
	"clock":      `<circle cx="8" cy="8" r="6"/><path d="M8 4.8V8l2.2 1.5"/>`,
	"close":      `<path d="m4 4 8 8M12 4l-8 8"/>`,
	"copy":       `<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M3.5 10.5h-.2A.8.8 0 0 1 2.5 9.7V3.3a.8.8 0 0 1 .8-.8h6.4a.8.8 0 0 1 .8.8v.2"/>`,
	"datasource": `<ellipse cx="8" cy="3.8" rx="5" ry="2"/><path d="M3 3.8v8.4c0 1.1 2.2 2 5 2s5-.9 5-2V3.8M3 8c0 1.1 2.2 2 5 2s5-.9 5-2"/>`,
	"dots":       `<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.2"/>`,
	"file":       `<path d="M4 1.8h5l3 3v9.4H4z"/><path d="M9 1.8v3h3"/>`,
	"help":       `<circle cx="8" cy="8" r="6"/><path d="M6.2 6.3A1.8 1.8 0 1 1 8.6 8c-.4.2-.6.5-.6 1M8 11.2v.1"/>`,
	"info":       `<circle cx="8" cy="8" r="6"/><path d="M8 7.3v3.7M8 5v.1"/>`,
	"key":        `<circle cx="5" cy="11" r="2.75"/><path d="m7 9 6.5-6.5M11 5l2 2M9 7l1.5 1.5"/>`,
	"link":       `<path d="M6.7 9.3a2.7 2.7 0 0 0 3.9 0l2-2a2.75 2.75 0 0 0-3.9-3.9l-.9.9M9.3 6.7a2.7 2.7 0 0 0-3.9 0l-2 2a2.75 2.75 0 0 0 3.9 3.9l.9-.9"/>`,
	"lock":       `<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>`,
	"menu":       `<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
	"pen":        `<path d="M13.5 8.5v4a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1h4"/><path d="m7 9 6.5-6.5"/>`,
	"people":     `<circle cx="6" cy="5.5" r="2.3"/><path d="M1.8 13.2c.3-2.5 2-3.9 4.2-3.9s3.9 1.4 4.2 3.9M10.5 3.4a2.3 2.3 0 0 1 0 4.2M12 9.6c1.3.5 2.1 1.7 2.3 3.6"/>`,
	"person":     `<circle cx="8" cy="5.3" r="2.6"/><path d="M3 13.5c.4-2.8 2.3-4.4 5-4.4s4.6 1.6 5 4.4"/>`,
	"search":     `<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>`,
	"shield":     `<path d="M8 1.8 13 3.6v4c0 3-2 5.4-5 6.6-3-1.2-5-3.6-5-6.6v-4z"/><path d="m5.8 7.9 1.6 1.6 2.9-3"/>`,
	"signout":    `<path d="M6.5 13.5h-4v-11h4M6 8h7.5M10.5 5l3 3-3 3"/>`,
	"tick":       `<path d="m3 8.5 3.2 3.2L13 4.8"/>`,
	"ticket":     `<rect x="2.5" y="2.5" width="11" height="11" rx="2"/><path d="m5.3 8.2 1.9 1.9 3.5-3.7"/>`,
	"talk":       `<path d="M2.5 3.5h11v7.5H7.5L4.5 13.5V11h-2z"/>`,
	"warn":       `<path d="M8 2.3 14.3 13H1.7z"/><path d="M8 6.5v3M8 11.3v.1"/>`,
	"wrench":     `<path d="M13.3 4.2 11 6.5 9.5 5l2.3-2.3a3.5 3.5 0 0 0-4.6 4.5l-4.7 4.6a1.4 1.4 0 0 0 2 2l4.6-4.7a3.5 3.5 0 0 0 4.2-4.9z"/>`,
}

// icon inlines a picture that carries no meaning of its own: a word always stands beside it.
func icon(name string) (template.HTML, error) {
	inside, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("no icon %q", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">` + inside + `</svg>`), nil //nolint:gosec // a constant of ours
}
