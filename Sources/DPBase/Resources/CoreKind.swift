/// Cores of about the same speed.
package struct CoreKind: Sendable, Equatable {
    /// The number of cores.
    package let cores: Int
    /// Their processors; a core with hyper-threads has several.
    package let processors: ProcessorSet
    /// The speed of the slowest of them, relative to the fastest of all cores.
    package let speed: Double
}

extension CoreKind {
    /// Returns the kinds of cores that some processors belong to, fastest first.
    ///
    /// `topology/core_cpus_list` (`thread_siblings_list` in older kernels) lists the processors of one core. A core
    /// starts a new kind if it is slower than three quarters of the fastest core of the previous kind.
    static func kinds(of processors: ProcessorSet, in files: SystemFiles) -> [CoreKind] {
        let speeds = speeds(of: processors, in: files)
        let fastest = speeds.values.max() ?? 1
        var cores: [[Int]: Double] = [:]
        for number in processors.numbers {
            let folder = "/sys/devices/system/cpu/cpu\(number)/topology"
            let siblings =
                files.processors("\(folder)/core_cpus_list") ?? files.processors("\(folder)/thread_siblings_list")
            // A list that lacks the processor itself is ignored.
            let isKnown = siblings?.numbers.contains(number) ?? false
            let core = isKnown ? siblings?.limited(to: processors).numbers ?? [number] : [number]
            cores[core] = (speeds[number] ?? fastest) / fastest
        }
        var kinds: [[(core: [Int], speed: Double)]] = []
        for (core, speed) in cores.sorted(by: { ($1.value, $0.key[0]) < ($0.value, $1.key[0]) }) {
            if let first = kinds.last?.first, speed >= 0.75 * first.speed {
                kinds[kinds.count - 1].append((core, speed))
            } else {
                kinds.append([(core, speed)])
            }
        }
        return kinds.map { kind in
            CoreKind(
                cores: kind.count, processors: ProcessorSet(kind.flatMap(\.core)), speed: kind.map(\.speed).min() ?? 1)
        }
    }

    /// Returns the speed of each processor in a common unit; empty if the system does not report it for all of
    /// them.
    ///
    /// With performance and efficiency cores of Intel it is the highest clock, halved for efficiency cores, whose
    /// vector units are half as wide (Gracemont multiplies 2 × 128 bits per cycle, Golden Cove 2 × 256). Otherwise
    /// it is the kernel's capacity of each core, or the highest clock.
    private static func speeds(of processors: ProcessorSet, in files: SystemFiles) -> [Int: Double] {
        func values(_ name: String) -> [Int: Double] {
            var values: [Int: Double] = [:]
            for number in processors.numbers {
                guard let value = files.integer("/sys/devices/system/cpu/cpu\(number)/\(name)"), value > 0 else {
                    return [:]
                }
                values[number] = Double(value)
            }
            return values
        }
        let clocks = values("cpufreq/cpuinfo_max_freq")
        if files.processors("/sys/devices/cpu_core/cpus") != nil,
            let efficient = files.processors("/sys/devices/cpu_atom/cpus")
        {
            let pairs = processors.numbers.map { number in
                (number, (clocks[number] ?? 1) * (efficient.numbers.contains(number) ? 0.5 : 1))
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
        let capacities = values("cpu_capacity")
        return capacities.isEmpty ? clocks : capacities
    }
}
