package prepare

import "github.com/balsong/balsong/domain/key"

// sampleMonth is the month of the sample bills: November 2026.
const sampleMonth = key.Month(2026*12 + 10)

// Sample is an invented bill. Templates are tried on all samples when they are loaded, and shown with them when no real
// bill is at hand.
type Sample struct {
	Name string // "full", "bare", "nothing to pay"
	Bill Bill
}

// SampleMonth returns the billing month of the sample bills.
func SampleMonth() key.Month { return sampleMonth }

// Samples returns the sample bills of a language. The first one has every field.
func Samples(language string) []Sample {
	before := int64(1_889_500)
	full := Bill{
		Customer: "7590-VHVEG", Name: "김하나", Language: "ko", Currency: "KRW", Amount: 68_200, BilledBefore: &before,
		DueDate: "2026-11-25", Payment: "자동이체 (국민은행, 끝 네 자리 1234)", Unsubscribe: "https://example.com/unsubscribe/7590-VHVEG",
		Items: []Item{{"인터넷 (광랜 500M)", 33_000}, {"휴대전화 요금제 5G 라이트", 45_000}, {"부가서비스: 온라인 백업", 2_200}, {"결합 할인", -12_000}},
	}
	if language != "ko" {
		before = 188_950
		full.Name, full.Language, full.Currency, full.Amount = "Hana Pine", "en", "USD", 8_485
		full.Payment = "Bank transfer (automatic)"
		full.Items = []Item{{"Internet, fiber optic", 5_000}, {"Phone service", 2_000}, {"Streaming TV and movies", 2_000}, {"Online security", 500}, {"Bundle discount", -1_015}}
	}
	bare := Bill{Customer: full.Customer, Language: full.Language, Currency: full.Currency, Amount: full.Amount, DueDate: full.DueDate}
	nothing := full
	nothing.Amount, nothing.Items = 0, full.Items[:1]
	return []Sample{{"full", full}, {"bare", bare}, {"nothing to pay", nothing}}
}
