package rendering

import (
	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/domain/key"
)

// sampleMonth is the month of the sample bills: November 2026.
const sampleMonth = key.Month(2026*12 + 10)

// Sample is an invented bill. Templates are tried on all samples when they are loaded, and shown with them when no real
// bill is at hand.
type Sample struct {
	Name string // "full", "bare", "nothing to pay", "credit note"
	Bill bill.Bill
}

// SampleMonth returns the billing month of the sample bills.
func SampleMonth() key.Month { return sampleMonth }

// Samples returns the sample bills of a language. The first one has every field.
func Samples(language string) []Sample {
	before := int64(1_889_500)
	full := bill.Bill{
		Customer: "7590-VHVEG", Name: "김하나", Language: "ko", Currency: "KRW", Amount: 68_200, BilledBefore: &before,
		DueDate: "2026-11-25", Payment: "자동이체 (국민은행, 끝 네 자리 1234)", Unsubscribe: "https://example.com/unsubscribe/7590-VHVEG",
		Items: []bill.Item{{Name: "인터넷 (광랜 500M)", Amount: 33_000}, {Name: "휴대전화 요금제 5G 라이트", Amount: 45_000}, {Name: "부가서비스: 온라인 백업", Amount: 2_200}, {Name: "결합 할인", Amount: -12_000}},
	}
	if language != "ko" {
		before = 188_950
		full.Name, full.Language, full.Currency, full.Amount = "Hana Pine", "en", "USD", 8_485
		full.Payment = "Bank transfer (automatic)"
		full.Items = []bill.Item{{Name: "Internet, fiber optic", Amount: 5_000}, {Name: "Phone service", Amount: 2_000}, {Name: "Streaming TV and movies", Amount: 2_000}, {Name: "Online security", Amount: 500}, {Name: "Bundle discount", Amount: -1_015}}
	}
	bare := bill.Bill{Customer: full.Customer, Language: full.Language, Currency: full.Currency, Amount: full.Amount, DueDate: full.DueDate}
	nothing := full
	nothing.Amount, nothing.Items = 0, full.Items[:1]
	credit := full
	credit.Amount, credit.Items = -full.Amount, []bill.Item{{Name: full.Items[0].Name, Amount: -full.Amount}}
	return []Sample{{"full", full}, {"bare", bare}, {"nothing to pay", nothing}, {"credit note", credit}}
}
