import DPGraph
import Foundation

extension CostProfile: CustomStringConvertible {
    /// A table in Markdown.
    var description: String {
        let measured = rows.reduce(0) { $0 + $1.milliseconds }
        let floor = rows.reduce(0) { $0 + $1.floorMilliseconds }
        let peak = String(
            format: "at most %.0f GFLOP/s, %.1f GB/s of reads and %.1f GB/s of updates",
            peaks.operationsPerSecond / 1e9, peaks.bytesPerSecond / 1e9, peaks.updateBytesPerSecond / 1e9)
        let reason = rows.contains { $0.reason != nil } ? "as above" : "measured at another moment"
        let title = work == .chunk ? "denoising step of a chunk" : work.title
        return """
            \(title), batch \(batch), \(parameters) parameters, \(precision.rawValue), \(threads) threads; \(peak)

            | operation | calls | ms | fraction | GFLOP/s | GB/s | fraction of the floor |
            |---|---|---|---|---|---|---|
            \(rows.map { $0.line(of: measured) }.joined(separator: "\n"))
            | all, one by one | \(rows.reduce(0) { $0 + $1.calls }) | \(decimals(measured, 3)) | | | | \(percent(floor, of: measured, reason)) |
            | all, in one run | | \(decimals(wholeMilliseconds, 3)) | | | | \(percent(floor, of: wholeMilliseconds, reason)) |
            """
    }
}

extension CostProfile.Row {
    fileprivate func line(of total: Double) -> String {
        // Millions per millisecond are billions per second.
        func rate(_ count: Int, _ digits: Int) -> String {
            count > 0 && milliseconds > 0 ? decimals(Double(count) / milliseconds / 1e6, digits) : ""
        }
        let share = "\(decimals(100 * milliseconds / total, 1)) %"
        return """
            | \(name) | \(calls) | \(decimals(milliseconds, 3)) | \(share) | \(rate(operations, 0)) | \(rate(bytes, 1)) | \
            \(bytes > 0 ? percent(floorMilliseconds, of: milliseconds, reason?.rawValue ?? "") : "") |
            """
    }
}

private func decimals(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// Formats a percentage, with the reason if it is above 100 %.
private func percent(_ part: Double, of whole: Double, _ reason: String) -> String {
    guard whole > 0 else { return "" }
    return "\(decimals(100 * part / whole, 0)) %" + (part > whole ? ", \(reason)" : "")
}
