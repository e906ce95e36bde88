package demo

// Promise is a fact about who finds what, for tests and for the README: a person who searches for the
// query finds the document, or does not, whatever the ranking. The query is one word of the document.
type Promise struct {
	Email    string
	Query    string
	Document string // id
	Sees     bool
	Why      string // in words, for the failure message
}

// Promises returns the facts. The words of confidential documents (nightjar, dividend, kittiwake,
// compa, chrysalis, marram, samphire, petrichor) occur in nothing that a whole datasource or everyone
// may read, so a person outside who searches for one of them must find nothing with it.
func Promises() []Promise {
	at := func(local string) string { return local + "@" + domain }
	return []Promise{
		{at("astrid.solberg"), "nightjar", "nightjar-memo", true, "the deal room holds the board circle, nested"},
		{at("nadia.selim"), "nightjar", "nightjar-memo", true, "named in the deal room"},
		{at("nadia.selim"), "nightjar", "board-minutes-latest", false, "the deal room is not the board circle"},
		{at("mira.okafor"), "nightjar", "nightjar-memo", false, "a Super Admin of the console reads no more than others"},
		{at("emma.lovell"), "nightjar", "nightjar-memo", false, "sales is outside the deal room"},
		{at("samuel.adler"), "dividend", "board-minutes-latest", true, "board circle"},
		{at("henrik.dahl"), "dividend", "board-minutes-latest", false, "an executive outside the board circle"},
		{at("jonas.feldt"), "kittiwake", "kittiwake-firmware", true, "in firmware and in leads"},
		{at("elif.yildiz"), "kittiwake", "kittiwake-firmware", false, "in firmware, not in leads"},
		{at("tomasz.wrona"), "kittiwake", "kittiwake-firmware", false, "in leads, not in firmware"},
		{at("grace.kimani"), "kittiwake", "kittiwake-firmware", true, "named, though not a lead"},
		{at("priya.nair"), "compa", "pay-bands-leads", true, "in people-operations and in leads"},
		{at("thea.kvam"), "compa", "pay-bands-leads", false, "in people-operations, not in leads"},
		{at("petra.huber"), "compa", "pay-round", true, "named"},
		{at("thea.kvam"), "chrysalis", "improvement-plan-k", true, "named"},
		{at("priya.nair"), "chrysalis", "improvement-plan-k", false, "only two people are named"},
		{at("victor.oyelaran"), "marram", "INC-057", true, "security-response"},
		{at("ruth.abel"), "marram", "INC-057", false, "it-security is wider than security-response"},
		{at("chloe.martin"), "samphire", "reorganisation-draft", true, "works council"},
		{at("lucia.ferrer"), "samphire", "reorganisation-draft", false, "concerned by it, and not told yet"},
		{at("omar.haddad"), "petrichor", "petrichor-draft", false, "without readers, hidden even from its author"},
		{at("lena.vogt"), "checklist", "site-visit-checklist", true, "contractors have the wiki; everyone there may read it"},
		{at("lena.vogt"), "parental", "parental-leave", false, "contractors have no account in the handbook"},
		{at("lena.vogt"), "nordnes", "welcome", true, "open to everyone, with or without an account"},
		{at("adrian.pop"), "parental", "parental-leave", true, "every employee, through four nested groups at most"},
		{at("adrian.pop"), "sundial", "t-0537", false, "the plant has no accounts in chat"},
		{at("diego.salvatierra"), "sundial", "t-0537", true, "firmware; chat knows him by a number"},
		{at("sofie.lund"), "renewal", "acc-skarvik", true, "all-field-service contains the Nordic crew"},
		{at("elif.yildiz"), "renewal", "acc-skarvik", false, "engineers have no account in the CRM"},
		{at("hiro.sakata"), "straightener", "nagoya-bench-notes", false, "left the company, though the author"},
		{at("tomasz.wrona"), "straightener", "nagoya-bench-notes", true, "calibration lab, and the owner"},
	}
}

// Example is a query that shows the sample company well.
type Example struct {
	Query    string
	Email    string // who asks
	Document string // id of the document that should come first or close to it
	About    string
}

// Examples returns queries for the README and for relevance tests.
func Examples() []Example {
	at := func(local string) string { return local + "@" + domain }
	return []Example{
		{"anemometer calibration", at("sofie.lund"), "w4-field-calibration", "how a new field engineer learns the job"},
		{"heater relay sticks", at("anders.moe"), "HW-2291", "a ticket from its symptom"},
		{"drift after calibration firmware 3.1", at("ines.carvalho"), "HW-2207", "a fault across ticket, code review and chat"},
		{"parental leave part-time", at("chloe.martin"), "part-time-leave", "a question to the handbook"},
		{"expense limits meals", at("jesse.whitlock"), "expenses", "another one"},
		{"stations above 60° N spring", at("erik.aasen"), "station-register", "a rule and the register behind it"},
		{"ingest backlog gateway", at("nikhil.rao"), "INC-052", "an incident with its ticket and its fix"},
		{"nightjar", at("claire.dubois"), "nightjar-memo", "found by the deal room and by nobody else"},
		{"storage comparison time series", at("zofia.lis"), "storage-comparison", "a design decision with its numbers"},
		{"Merrow crane gust statement", at("emma.lovell"), "statement-merrow", "an account seen from sales and legal"},
	}
}
