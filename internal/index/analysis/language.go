package analysis

import (
	"slices"
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
)

// language returns the first part of a BCP 47 tag (or of a POSIX locale such as de_CH) in lower case.
func language(locale string) string {
	if locale == "" {
		return "en"
	}
	if i := strings.IndexAny(locale, "-_.@"); i >= 0 {
		locale = locale[:i]
	}
	return strings.ToLower(locale)
}

// stemmer returns the stemmer of a language, or nil.
func stemmer(lang string) func(string) string {
	stem := snowball(lang)
	if stem == nil {
		return nil
	}
	return func(word string) string {
		env := snowballstem.NewEnv(word)
		stem(env)
		return env.Current()
	}
}

func snowball(lang string) func(*snowballstem.Env) bool {
	switch lang {
	case "ar":
		return arabic.Stem
	case "da":
		return danish.Stem
	case "de":
		return german.Stem
	case "en":
		return english.Stem
	case "es":
		return spanish.Stem
	case "fi":
		return finnish.Stem
	case "fr":
		return french.Stem
	case "ga":
		return irish.Stem
	case "hu":
		return hungarian.Stem
	case "it":
		return italian.Stem
	case "nb", "nn", "no":
		return norwegian.Stem
	case "nl":
		return dutch.Stem
	case "pt":
		return portuguese.Stem
	case "ro":
		return romanian.Stem
	case "ru":
		return russian.Stem
	case "sv":
		return swedish.Stem
	case "ta":
		return tamil.Stem
	case "tr":
		return turkish.Stem
	}
	return nil
}

// IsStopWord reports whether an exact form says so little in one of the languages (BCP 47 tags; none means English) that it is
// not sought when a query has other words. Stop words are indexed like all others, for phrases.
func IsStopWord(term string, languages []string) bool {
	if len(languages) == 0 {
		return isStopWord(term, "en")
	}
	return slices.ContainsFunc(languages, func(tag string) bool { return isStopWord(term, language(tag)) })
}

func isStopWord(term, lang string) bool {
	words := ""
	switch lang {
	case "en":
		words = " a an and are as at be but by can do does for from had has have how i if in into is it its my no not of on or our so such that the their then there these they this to was were what when where which who why will with you your "
	case "de":
		words = " als am an auf aus bei das dass dem den der des die durch ein eine einem einen einer es fur hat ich im in ist mit nach nicht oder sich sie sind und uns unser von vor war was wer wie wir wird wo zu zum zur "
	case "fr":
		words = " a au aux avec ce ces comment dans de des du elle en est et il je la le les leur mais ne nos notre nous on ou par pas pour qu que qui sa se son sur un une vos votre vous "
	case "es":
		words = " a al como con cual de del donde el en es esta este la las lo los mi no o para por que quien se si sin sobre son su sus un una y "
	case "it":
		words = " a al alla che chi come con da dei del della di dove e gli i il in la le lo ma nel non o per quale si sono su un una "
	case "pt":
		words = " a ao aos as com como da das de do dos e em na nas no nos o onde os ou para por qual que quem se sem seu sua um uma "
	case "nl":
		words = " aan als bij dat de die dit een en er het hoe ik in is met naar niet of om onze op te tot uit van voor waar wat we wie wij zijn "
	}
	return strings.Contains(words, " "+term+" ")
}
