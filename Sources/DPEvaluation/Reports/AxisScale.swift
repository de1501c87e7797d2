import Foundation

/// The scale of an axis.
package enum AxisScale: Sendable, Equatable {
    /// Equal differences have equal lengths.
    case linear
    /// Equal ratios have equal lengths; only positive values can be shown.
    case logarithmic

    /// Whether a value can be shown on the axis; beyond 10^100, differences would overflow.
    func shows(_ value: Double) -> Bool {
        value.isFinite && abs(value) < 1e100 && (self == .linear || value > 1e-100)
    }
}

/// The visible part of an axis and its ticks.
struct Axis {
    let scale: AxisScale
    let range: ClosedRange<Double>

    /// An axis that shows all values: widened when they are all equal, and extended to zero when it is near.
    init(scale: AxisScale, showing values: [Double]) {
        let values = values.filter(scale.shows)
        var lower = values.min() ?? (scale == .linear ? 0 : 1)
        var upper = values.max() ?? (scale == .linear ? 1 : 10)
        switch scale {
        case .linear:
            if upper - lower <= 1e-9 * max(abs(lower), abs(upper)) {
                let margin = max(abs(lower) * 0.1, 1e-90)
                (lower, upper) = lower == 0 ? (0, 1) : (lower - margin, upper + margin)
            } else if lower > 0 && lower < 0.25 * upper {
                lower = 0
            }
        case .logarithmic:
            if upper / lower < 1.2 { (lower, upper) = (lower / 1.5, upper * 1.5) }
        }
        self.init(scale: scale, range: lower...upper)
    }

    /// An axis of a given range.
    init(scale: AxisScale, range: ClosedRange<Double>) {
        precondition(range.upperBound > range.lowerBound, "an axis over \(range)")
        self.scale = scale
        self.range = range
    }

    /// Returns the position of a value: 0 at the lower end of the axis, 1 at the upper end.
    func position(of value: Double) -> Double {
        switch scale {
        case .linear: (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        case .logarithmic: log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
        }
    }

    /// Returns round values for the axis labels: about `count` of them.
    func ticks(about count: Int) -> [Double] {
        switch scale {
        case .linear: linearTicks(about: count)
        case .logarithmic: logarithmicTicks(about: count)
        }
    }

    /// Multiples of 1, 2 or 5 times a power of ten.
    private func linearTicks(about count: Int) -> [Double] {
        let rough = (range.upperBound - range.lowerBound) / Double(count)
        let power = pow(10, floor(log10(rough)))
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        // A counted loop: repeatedly adding a step below the numbers' precision would never end.
        return (0...count + 1).map { (first + Double($0)) * step }.filter { $0 <= range.upperBound + step * 1e-9 }
    }

    /// Powers of ten, thinned when there are many; with 2 and 5 times these when there are few.
    private func logarithmicTicks(about count: Int) -> [Double] {
        let decades = Int(floor(log10(range.lowerBound)))...Int(ceil(log10(range.upperBound)))
        let factors: [Double] = decades.count <= 4 ? [1, 2, 5] : [1]
        let stride = max(1, decades.count / max(count, 1))
        let ticks = decades.filter { $0 % stride == 0 }.flatMap { exponent in
            factors.map { $0 * pow(10, Double(exponent)) }
        }
        let visible = ticks.filter { $0 >= range.lowerBound * 0.999 && $0 <= range.upperBound * 1.001 }
        return visible.count >= 2 ? visible : [range.lowerBound, range.upperBound]
    }
}

/// Formats a tick's value with as few characters as necessary: 0.05, 250, 20k, 1.5M, 10⁻⁵.
func tickLabel(_ value: Double) -> String {
    if value == 0 { return "0" }  // also for −0
    let size = abs(value)
    if size >= 1e9 || size < 1e-3 { return scientific(value) }
    if size >= 1e6 { return String(format: "%gM", value / 1e6) }
    if size >= 1e4 { return String(format: "%gk", value / 1e3) }
    return String(format: "%.4g", value)
}

private func scientific(_ value: Double) -> String {
    let parts = String(format: "%.2e", value).split(separator: "e")
    let mantissa = Double(parts[0]) ?? 1
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let exponent = String(Int(parts[1]) ?? 0).map { $0 == "-" ? "⁻" : digits[Int(String($0)) ?? 0] }
    return (mantissa == 1 ? "" : String(format: "%g·", mantissa)) + "10" + String(exponent)
}
