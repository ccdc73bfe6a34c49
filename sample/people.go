package sample

import (
	"strings"
	"time"
)

// person writes and is written to.
type person struct {
	key, name, addr string
	body            string // the folder of the body that keeps their mail; "" for nobody's
	program         program
	signature       string
}

// program is how somebody's mail program writes.
type program struct {
	mailer   string // as in X-Mailer; "" has none
	charset  string
	encoding string // of the text: 7bit, 8bit, quoted-printable, base64
	html     bool   // with an HTML alternative
	answer   answerStyle
	zone     *time.Location
}

// answerStyle is how a program shows what is answered.
type answerStyle int

const (
	quoteEnglish answerStyle = iota // "On …, X wrote:" and > before the lines
	quoteRussian
	quoteArabic
	outlook // below, under a line, without signs
	quoteNothing
)

var (
	westmere = time.FixedZone("", 0)
	zarhan   = time.FixedZone("", 3*3600)
	uzelTime = time.FixedZone("", 4*3600)

	corvaneMail  = program{"Microsoft Outlook 14.0", "windows-1252", "quoted-printable", true, outlook, westmere}
	fieldMail    = program{"", "utf-8", "8bit", false, quoteEnglish, zarhan}
	uzelMail     = program{"The Bat! (v4.2.44) Professional", "koi8-r", "8bit", false, quoteRussian, uzelTime}
	uzelOldMail  = program{"Microsoft Outlook Express 6.00.2900.5931", "windows-1251", "quoted-printable", false, outlook, uzelTime}
	ministryMail = program{"Microsoft Outlook 12.0", "windows-1256", "base64", false, quoteNothing, zarhan}
	portMail     = program{"Zimbra 7.1.1", "utf-8", "base64", false, quoteArabic, zarhan}
	officeMail   = program{"Lotus Notes Release 8.5.1", "iso-8859-1", "quoted-printable", false, outlook, westmere}
	unionMail    = program{"Mozilla Thunderbird 3.1.9", "utf-8", "quoted-printable", false, quoteArabic, zarhan}
	brokerMail   = program{"Apple Mail (2.1082)", "utf-8", "quoted-printable", false, quoteEnglish, westmere}
)

var people = []person{
	{"strand", "Philippa Strand", "p.strand@corvane.example", "corvane", corvaneMail,
		"Philippa Strand\nDirector, Overseas Programmes\nCorvane Systems Ltd, Quay House, Westmere"},
	{"tarrick", "Owen Tarrick", "o.tarrick@field.corvane.example", "corvane", fieldMail, "O. Tarrick\nfield engineering"},
	{"marchbank", "Dilys Marchbank", "d.marchbank@corvane.example", "corvane", corvaneMail, "Dilys Marchbank\nGeneral Counsel, Corvane Systems Ltd\nPrivileged and confidential"},
	{"aldane", "R. Aldane", "r.aldane@corvane.example", "corvane", corvaneMail, ""},
	{"vetrova", "Анна Ветрова", "a.vetrova@uzel.example", "uzel", uzelMail, "А. Ветрова"},
	{"sorokin", "Глеб Сорокин", "g.sorokin@uzel.example", "uzel", uzelOldMail, "С уважением,\nГлеб Сорокин, генеральный директор\nООО «Северный узел», Верхнеморск"},
	{"lazarev", "Тимур Лазарев", "t.lazarev@uzel.example", "uzel", uzelMail, "тимур"},
	{"samman", "ليلى السمّان", "l.samman@moc.zarhan.example", "ministry", ministryMail, "ليلى السمّان\nمديرة مكتب الوزير\nوزارة الاتصالات، جمهورية زرهان"},
	{"khaldoun", "العقيد رامي خلدون", "r.khaldoun@moc.zarhan.example", "ministry", ministryMail, "العقيد رامي خلدون\nإدارة سلامة الشبكات"},
	{"daoudan", "فارس داودان", "minister@moc.zarhan.example", "ministry", ministryMail, "فارس داودان"},
	{"bachour", "Nadia Bachour", "n.bachour@port-rasmina.example", "port", portMail, "Nadia Bachour\nNetworks, Port Authority of Rasmina"},
	{"bachour-ar", "نادية بشور", "n.bachour@port-rasmina.example", "port", portMail, "نادية بشور\nقسم الشبكات، هيئة ميناء راسمينا"},
	{"tarbieh", "حسن طربيه", "director@port-rasmina.example", "port", portMail, "حسن طربيه\nمدير عام هيئة ميناء راسمينا"},
	{"moreau", "Lucian Moreau", "lucian@meridian-bridge.example", "meridian", brokerMail, "With every good wish,\nLucian"},
	{"olsen", "Marguerite Olsen", "m.olsen@exports.westmere.example", "exports", officeMail, "M. Olsen\nLicensing Officer, Group C\nExport Office of Westmere"},
	{"pryce", "Edmund Pryce", "e.pryce@exports.westmere.example", "exports", officeMail, "Edmund Pryce\nHead of Licensing"},
	{"attal", "يوسف العتّال", "y.attal@dockers-rasmina.example", "union", unionMail, "يوسف العتّال\nأمين سر نقابة عمال أرصفة راسمينا"},
	{"attal-en", "Yusuf Attal", "y.attal@dockers-rasmina.example", "union", unionMail, "Yusuf Attal\nSecretary, Rasmina Dockworkers' Union"},
	{"calder", "Ines Calder", "i.calder@westmere-ledger.example", "corvane", brokerMail, "Ines Calder\nThe Westmere Ledger"},
	{"weekly", "Lawful Access Weekly", "editor@lawful-access-weekly.example", "corvane", program{"PressRoom 2", "utf-8", "quoted-printable", true, quoteNothing, westmere}, ""},
	// Where two of them write from when they have left.
	{"tarrick-home", "Owen Tarrick", "owen@tarrick-family.example", "", fieldMail, "Owen"},
	{"vetrova-home", "Анна Ветрова", "vetrova@beregovaya.example", "", uzelMail, "А. Ветрова"},
	{"field-team", "Lantern field team", "lantern-field@corvane.example", "corvane", fieldMail, ""},
	{"all-port", "جميع الموظفين", "all@port-rasmina.example", "port", portMail, ""},
	{"members", "أعضاء النقابة", "members@dockers-rasmina.example", "union", unionMail, ""},
}

// who finds a person by key.
func who(key string) person {
	for _, p := range people {
		if p.key == key {
			return p
		}
	}
	panic("sample: nobody is called " + key) // a mistake in our own letters
}

func (p person) domain() string { return p.addr[strings.IndexByte(p.addr, '@')+1:] }
