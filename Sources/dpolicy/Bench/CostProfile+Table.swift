import Foundation
import TensorGraph

extension CostProfile: CustomStringConvertible {
    /// A table in Markdown.
    var description: String {
        let measured = rows.reduce(0) { $0 + $1.milliseconds }
        let floor = rows.reduce(0) { $0 + $1.floorMilliseconds }
        let peak = String(
            format: "at most %.0f GFLOP/s and %.1f GB/s", peaks.operationsPerSecond / 1e9, peaks.bytesPerSecond / 1e9)
        let title = work == .chunk ? "denoising step of a chunk" : work.title
        return """
            \(title), batch \(batch), \(parameters) parameters, \(precision.rawValue), \(threads) threads; \(peak)

            | operation | calls | ms | share | GFLOP/s | GB/s | share of the floor |
            |---|---|---|---|---|---|---|
            \(rows.map { $0.line(of: measured) }.joined(separator: "\n"))
            | all, one by one | \(rows.reduce(0) { $0 + $1.calls }) | \(decimals(measured, 3)) | | | | \(percent(floor, of: measured)) |
            | all, in one run | | \(decimals(wholeMilliseconds, 3)) | | | | \(percent(floor, of: wholeMilliseconds)) |
            """
    }
}

extension CostProfile.Row {
    fileprivate func line(of total: Double) -> String {
        // Millions a millisecond are billions a second.
        func rate(_ count: Int, _ places: Int) -> String {
            count > 0 && milliseconds > 0 ? decimals(Double(count) / milliseconds / 1e6, places) : ""
        }
        let share = "\(decimals(100 * milliseconds / total, 1)) %"
        return """
            | \(name) | \(calls) | \(decimals(milliseconds, 3)) | \(share) | \(rate(operations, 0)) | \(rate(bytes, 1)) | \
            \(bytes > 0 ? percent(floorMilliseconds, of: milliseconds) : "") |
            """
    }
}

private func decimals(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

private func percent(_ part: Double, of whole: Double) -> String {
    whole > 0 ? "\(decimals(100 * part / whole, 0)) %" : ""
}
