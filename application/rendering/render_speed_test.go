package rendering

import (
	"crypto/aes"
	cryptocipher "crypto/cipher"
	"testing"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// BenchmarkStatement makes one statement of a usual bill, from its sealed data to its sealed entry.
func BenchmarkStatement(b *testing.B) {
	cipher := newGCM(b)
	target := key.Target{Month: key.Month(2026*12 + 10), UserID: 4711}
	before := int64(1_889_500)
	billed := bill.Bill{
		Customer: "7590-VHVEG", Name: "김하나", Language: "ko", Currency: "KRW", Amount: 137_540, BilledBefore: &before, DueDate: "2026-11-25", Payment: "계좌 자동이체",
		Items: []bill.Item{{Name: "전화 기본료", Amount: 26_000}, {Name: "추가 회선", Amount: 6_500}, {Name: "인터넷 광랜", Amount: 65_000}, {Name: "온라인 백업", Amount: 6_500}, {Name: "TV 스트리밍", Amount: 13_000}, {Name: "이용 요금", Amount: 20_540}},
	}
	data, err := billed.Encode()
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := cipher.Seal(data, port.Purpose{Kind: port.KindBillingData, Target: target})
	if err != nil {
		b.Fatal(err)
	}
	templates, err := LoadTemplates(ShippedFiles())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		opened, err := bill.Open(port.Bill{Target: target, Data: sealed}, cipher)
		if err != nil {
			b.Fatal(err)
		}
		shown, err := templates.Statement(opened, target.Month, policy.Transactional)
		if err != nil {
			b.Fatal(err)
		}
		entry, err := statement.Seal(port.Statement{Target: target, Variants: shown}, cipher)
		if err != nil {
			b.Fatal(err)
		}
		size = len(entry)
	}
	b.ReportMetric(float64(size), "bytes")
}

// gcm is a cipher that costs what the real one does, and binds nothing.
type gcm struct{ cryptocipher.AEAD }

func newGCM(b *testing.B) gcm {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cryptocipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	return gcm{aead}
}

func (c gcm) Seal(plain []byte, _ port.Purpose) ([]byte, error) {
	return c.AEAD.Seal(nil, nil, plain, nil), nil
}

func (c gcm) Open(sealed []byte, _ port.Purpose) ([]byte, error) {
	return c.AEAD.Open(nil, nil, sealed, nil)
}
