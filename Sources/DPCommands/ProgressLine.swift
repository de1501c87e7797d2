import Foundation

/// Shows progress on standard error: one redrawn line on a terminal, occasional lines elsewhere.
final class ProgressLine {
    private let isTerminal: Bool
    private let interval: Duration
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastDrawing: ContinuousClock.Instant?
    private var firstFraction: Double?

    /// Creates a line that is redrawn ten times per second on a terminal, and printed every 20 seconds elsewhere.
    init(isTerminal: Bool = StandardError.isTerminal) {
        self.isTerminal = isTerminal
        interval = isTerminal ? .milliseconds(100) : .seconds(20)
        start = clock.now
    }

    /// Shows the current state, at most once per interval.
    /// - Parameters:
    ///   - fraction: the completed fraction, in 0 … 1; nil if unknown.
    ///   - text: the text to show; evaluated only when it is shown.
    func show(_ fraction: Double?, _ text: @autoclosure () -> String) {
        if firstFraction == nil { firstFraction = fraction }
        let now = clock.now
        if let lastDrawing, now - lastDrawing < interval, fraction != 1 { return }
        lastDrawing = now
        let line = [fraction.map(bar), text(), fraction.flatMap(remainingTime)].compactMap { $0 }
            .joined(separator: "  ")
        StandardError.write(isTerminal ? "\r\u{1B}[2K\(line)" : "\(line)\n")
    }

    /// Ends the line, so that later output starts on a new one.
    func finish() {
        if isTerminal, lastDrawing != nil { StandardError.write("\n") }
        lastDrawing = nil
    }

    private func bar(_ fraction: Double) -> String {
        let percent = String(format: "%3d %%", Int(fraction * 100))
        guard isTerminal else { return percent }
        let width = 24
        let filled = min(max(Int(fraction * Double(width)), 0), width)
        return String(repeating: "━", count: filled) + String(repeating: "─", count: width - filled) + " " + percent
    }

    /// The remaining time at the mean speed so far.
    private func remainingTime(_ fraction: Double) -> String? {
        guard let firstFraction, fraction > firstFraction, fraction < 1 else { return nil }
        let seconds = (clock.now - start) / .seconds(1) * (1 - fraction) / (fraction - firstFraction)
        guard seconds < 1e7 else { return nil }
        let total = Int(seconds)
        if total < 60 { return "\(total) s left" }
        if total < 3600 { return "\(total / 60) min \(total % 60) s left" }
        return "\(total / 3600) h \(total % 3600 / 60) min left"
    }
}
