package expr

import (
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/xt"
)

// QueueFlag says what becomes of packets that nobody takes, or which queue they go to.
type QueueFlag uint16

const QueueFlagBypass, QueueFlagFanout QueueFlag = 1, 2

// Queue leads packets to a program by the target NFQUEUE, as iptables-nft writes it: kernels may lack nftables' own
// expression (CONFIG_NFT_QUEUE).
type Queue struct {
	Num   uint16
	Total uint16
	Flag  QueueFlag
}

func (e *Queue) target() *Target {
	var info xt.Unknown
	// The kernel's xt_NFQ_info_v3, aligned to 8 bytes.
	for _, field := range []uint16{e.Num, max(e.Total, 1), uint16(e.Flag), 0} {
		info = append(info, binaryutil.NativeEndian.PutUint16(field)...)
	}
	return &Target{Name: "NFQUEUE", Rev: 3, Info: &info}
}

func (e *Queue) marshal(fam byte) ([]byte, error) { return e.target().marshal(fam) }

func (e *Queue) marshalData(fam byte) ([]byte, error) { return e.target().marshalData(fam) }

// What comes back from the kernel is a Target.
func (e *Queue) unmarshal(byte, []byte) error { return nil }
