import Foundation

/// The most memory that this process has had at once.
enum PeakMemory {
    /// MiB; nil where the system does not tell.
    static var mebibytes: Double? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }.map { $0 / 1024 }
    }
}

/// What computes.
enum Processor {
    /// Its name as the system tells it.
    static var name: String {
        guard let facts = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return "a processor" }
        let line = facts.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "a processor"
    }
}
