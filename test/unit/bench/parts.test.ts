import assert from "node:assert/strict";
import { activeOpens, difference, machineTimes, podGroup, ticksOf } from "../../../bench/parts";

describe("what the kernel counts of a way's parts", () => {
    it("is CPU time of the process and of the kernel for it, whatever the program's name", () => {
        assert.deepEqual(ticksOf("7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 230 45 9 9 20 0 1 0 5 6 7"), {
            own: 230,
            kernel: 45,
        });
    });

    it("is all that the machine's processors did, and what was left of them", () => {
        assert.deepEqual(machineTimes("cpu  100 2 50 800 20 0 8 20 5 0\ncpu0 1 2 3\n"), {
            busy: 1_800_000,
            idle: 8_200_000,
        });
    });

    it("is the connections that were opened, whichever column they are in", () => {
        const snmp = "Ip: A B\nIp: 1 2\nTcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 17 9\nUdp: X\nUdp: 1\n";
        assert.equal(activeOpens(snmp), 17);
    });

    it("is the memory of the whole pod, with cgroups of version 1 and 2, by either driver's names", () => {
        const uid = "0a1b2c3d-0000-1111-2222-333344445555";
        assert.equal(
            podGroup(`9:memory:/kind/kubelet/pod${uid}/abc\n8:cpu,cpuacct:/x\n0::/other\n`),
            `/sys/fs/cgroup/memory/kind/kubelet/pod${uid}`,
        );
        const slice = `kubepods-pod${uid.replaceAll("-", "_")}.slice`;
        assert.equal(podGroup(`0::/a/${slice}/cri-1.scope\n`), `/sys/fs/cgroup/a/${slice}`);
        assert.equal(podGroup("9:memory:/user.slice\n"), undefined);
    });

    it("is told for a request, also of parts that began meanwhile", () => {
        assert.deepEqual(difference({ a: 100 }, { a: 300, b: 50 }, 100), { a: 2, b: 0.5 });
    });
});
