package memory_test

import (
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestCipherKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Cipher(t, func(testing.TB) port.Cipher { return memory.NewCipher() })
}
