import Foundation

/// The activation `x · tanh(softplus(x))` with `softplus(x) = ln(1 + eˣ)` (Misra 2019).
enum Mish {
    static func value(_ x: Double) -> Double { x * tanh(softplus(x)) }

    /// `tanh(s) + x · (1 − tanh²(s)) · s′` with `s = softplus(x)`, whose derivative s′ is the logistic function.
    static func derivative(_ x: Double) -> Double {
        let t = tanh(softplus(x))
        return t + x * (1 - t * t) / (1 + exp(-x))
    }

    /// Written so that the exponential never overflows.
    private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
