import Foundation

/// The name of the processor.
enum ProcessorName {
    /// The name that the system reports.
    static var name: String {
        guard let facts = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return "a processor" }
        let line = facts.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "a processor"
    }
}
