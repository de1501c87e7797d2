import Testing

@testable import DPBase

/// Limits of control groups, as containers and services set them.
@Suite("Control groups")
struct ControlGroupTests {
    private static let mountsOfVersion2 = """
        22 27 0:21 / /proc rw,relatime - proc proc rw
        30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate
        """

    /// Returns a server with the given control group files.
    private func server(_ files: [String: String]) throws -> SystemCopy {
        let server = try SystemCopy.server()
        for (path, text) in files { try server.write(path, text) }
        return server
    }

    /// Returns a Docker container with version 2, where its own group appears as the root.
    private func container(_ files: [String: String] = [:]) throws -> SystemCopy {
        try server(
            [
                "proc/self/cgroup": "0::/",
                "proc/self/mountinfo":
                    "1201 1198 0:28 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate",
                "sys/fs/cgroup/cpu.max": "100000 100000", "sys/fs/cgroup/cpuset.cpus.effective": "0-63",
                "sys/fs/cgroup/memory.max": "1073741824", "sys/fs/cgroup/memory.high": "max",
                "sys/fs/cgroup/memory.current": "314572800",
                "sys/fs/cgroup/memory.stat": """
                anon 20971520
                file 262144000
                file_mapped 52428800
                inactive_anon 20971520
                active_anon 0
                inactive_file 157286400
                active_file 104857600
                """,
            ].merging(files) { $1 })
    }

    @Test("a container of version 2 with one processor and 1 GiB")
    func version2() throws {
        let container = try container()
        #expect(container.processors.threads == 1)
        #expect(container.processors.reason == .quota)
        #expect(container.processors.quota?.file == "/sys/fs/cgroup/cpu.max")
        let tightest = try #require(container.memory.tightest)
        #expect(tightest.name == "/sys/fs/cgroup/memory.max")
        #expect(tightest.byteCount == 1 << 30)
        // 1024 − 300 in use + 200 of cached files that no process has mapped − 20 reserved.
        #expect(tightest.available == (1024 - 300 + 200 - 20) << 20)
    }

    @Test(
        "a quota is rounded down, but to at least one",
        arguments: [("150000 100000", 1), ("50000 100000", 1), ("250000 100000", 2), ("6400000 100000", 32)])
    func rounding(_ quota: String, threads: Int) throws {
        #expect(try container(["sys/fs/cgroup/cpu.max": quota]).processors.threads == threads)
    }

    @Test(
        "an invalid quota is ignored",
        arguments: [
            "max 100000", "", "max", "100000", "-1 100000", "100000 0", "a b", "1 2 3", "99999999999999999999 1",
        ])
    func malformed(_ quota: String) throws {
        let processors = try container(["sys/fs/cgroup/cpu.max": quota]).processors
        #expect(processors.quota == nil)
        #expect(processors.threads == 32)
    }

    @Test("the cpuset of the group applies")
    func cpuset() throws {
        let processors = try container([
            "sys/fs/cgroup/cpu.max": "max 100000", "sys/fs/cgroup/cpuset.cpus.effective": "0-3,32-33",
        ]).processors
        #expect(processors.controlGroup?.description == "0-3,32-33")
        #expect(processors.threads == 4)
    }

    @Test("the tightest limit of nested groups applies")
    func nested() throws {
        let server = try server([
            "proc/self/cgroup": "0::/robots.slice/robots-arm.slice/policy.service",
            "proc/self/mountinfo": Self.mountsOfVersion2,
            "sys/fs/cgroup/robots.slice/cpu.max": "400000 100000",
            "sys/fs/cgroup/robots.slice/cpuset.cpus.effective": "0-15",
            "sys/fs/cgroup/robots.slice/robots-arm.slice/cpu.max": "300000 100000",
            "sys/fs/cgroup/robots.slice/robots-arm.slice/policy.service/cpu.max": "max 100000",
            "sys/fs/cgroup/robots.slice/memory.high": "4294967296",
            "sys/fs/cgroup/robots.slice/memory.current": "2147483648",
            "sys/fs/cgroup/robots.slice/robots-arm.slice/policy.service/memory.max": "6442450944",
            "sys/fs/cgroup/robots.slice/robots-arm.slice/policy.service/memory.current": "1073741824",
        ])
        #expect(server.processors.threads == 3)
        #expect(server.processors.controlGroup?.description == "0-15")
        #expect(server.memory.tightest?.name == "/sys/fs/cgroup/robots.slice/memory.high")
        #expect(server.memory.tightest?.available == (2048 - 20) << 20)
    }

    /// Returns a Docker container with version 1: the group's name is the host's, and its folder is mounted as the
    /// root.
    private func containerOfVersion1(_ files: [String: String] = [:]) throws -> SystemCopy {
        try server(
            [
                "proc/self/cgroup": """
                12:memory:/docker/0123abcd
                5:cpu,cpuacct:/docker/0123abcd
                3:cpuset:/docker/0123abcd
                1:name=systemd:/docker/0123abcd
                0::/system.slice/containerd.service
                """,
                "proc/self/mountinfo": """
                800 790 0:33 /docker/0123abcd /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct
                801 790 0:34 /docker/0123abcd /sys/fs/cgroup/memory ro,nosuid master:16 - cgroup cgroup rw,memory
                802 790 0:35 /docker/0123abcd /sys/fs/cgroup/cpuset ro,nosuid - cgroup cgroup rw,cpuset
                """,
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/cpuset/cpuset.cpus": "0-7", "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "104857600",
                "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 52428800\ntotal_active_file 0",
            ].merging(files) { $1 })
    }

    @Test("a container of version 1")
    func version1() throws {
        let container = try containerOfVersion1()
        #expect(container.processors.threads == 2)
        #expect(container.processors.controlGroup?.description == "0-7")
        #expect(container.memory.tightest?.name == "/sys/fs/cgroup/memory/memory.limit_in_bytes")
        #expect(container.memory.tightest?.available == (1024 - 100 + 50 - 20) << 20)
    }

    @Test("version 1 without limits")
    func unlimited() throws {
        let container = try containerOfVersion1([
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        ])
        #expect(container.processors.threads == 8)
        #expect(container.memory.limits.map(\.name) == ["memory of this computer"])
    }

    @Test("both versions at once, a group around the process, and a folder with a space")
    func hybrid() throws {
        let server = try server([
            "proc/self/cgroup": "4:memory:/jobs/one\n2:cpu:/jobs/one\n0::/user.slice",
            "proc/self/mountinfo": """
            32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
            34 31 0:31 / /sys/fs/the\\040memory rw,relatime - cgroup cgroup rw,memory
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            """,
            "sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us": "500000", "sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/unified/user.slice/cpu.max": "400000 100000",
            "sys/fs/the memory/jobs/memory.limit_in_bytes": "2147483648",
        ])
        #expect(server.processors.threads == 4)
        #expect(server.memory.tightest?.name == "/sys/fs/the memory/jobs/memory.limit_in_bytes")
    }

    @Test("the mounted group applies to a group of another namespace")
    func otherNamespace() throws {
        let container = try container(["proc/self/cgroup": "0::/../other"])
        #expect(container.processors.threads == 1)
    }

    @Test("invalid text is ignored", arguments: ["", "max", "::", "0:", "-", "/ / / / / / - cgroup2", "0::relative"])
    func rubbish(_ text: String) throws {
        let container = try container(["proc/self/cgroup": text])
        #expect(container.processors.threads == 32)
        try container.write("proc/self/cgroup", "0::/")
        try container.write("proc/self/mountinfo", text)
        #expect(container.processors.threads == 32)
        #expect(container.memory.limits.count == 1)
    }
}
